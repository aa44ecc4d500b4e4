CREATE TABLE `authorizations` (
	`tenant_id` text NOT NULL,
	`state_hash` text PRIMARY KEY NOT NULL,
	`identity_provider_id` text NOT NULL,
	`sealed` text NOT NULL,
	`browser_hash` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`used_at` integer,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `authorizations_expiry` ON `authorizations` (`expires_at`);--> statement-breakpoint
CREATE TABLE `console_sessions` (
	`tenant_id` text NOT NULL,
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`hash` text NOT NULL,
	`previous_hash` text,
	`authentication` text NOT NULL,
	`address` text,
	`user_agent` text,
	`created_at` integer NOT NULL,
	`rotated_at` integer NOT NULL,
	`last_seen_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`revoked_at` integer,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `console_sessions_hash_unique` ON `console_sessions` (`hash`);--> statement-breakpoint
CREATE UNIQUE INDEX `console_sessions_previous_hash_unique` ON `console_sessions` (`previous_hash`);--> statement-breakpoint
CREATE INDEX `console_sessions_user` ON `console_sessions` (`tenant_id`,`user_id`);--> statement-breakpoint
CREATE TABLE `identity_providers` (
	`tenant_id` text NOT NULL,
	`id` text PRIMARY KEY NOT NULL,
	`preset` text NOT NULL,
	`name` text NOT NULL,
	`issuer` text NOT NULL,
	`client_id` text NOT NULL,
	`sealed_secret` text,
	`scopes` text NOT NULL,
	`allowed_domains` text DEFAULT '[]' NOT NULL,
	`claims` text NOT NULL,
	`creates_users` integer DEFAULT true NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`disabled_at` integer,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `identity_providers_name` ON `identity_providers` (`tenant_id`,`name`);--> statement-breakpoint
CREATE TABLE `login_codes` (
	`tenant_id` text NOT NULL,
	`hash` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`user_code_hash` text,
	`challenge` text,
	`redirect_uri` text,
	`jkt` text NOT NULL,
	`hostname` text,
	`platform` text,
	`version` text,
	`address` text,
	`user_id` text,
	`authentication` text,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`polled_at` integer,
	`denied_at` integer,
	`used_at` integer,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `login_codes_user_code` ON `login_codes` (`tenant_id`,`user_code_hash`);--> statement-breakpoint
CREATE INDEX `login_codes_expiry` ON `login_codes` (`expires_at`);--> statement-breakpoint
CREATE TABLE `policies` (
	`tenant_id` text NOT NULL,
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`is_default` integer DEFAULT false NOT NULL,
	`rules` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `policies_name` ON `policies` (`tenant_id`,`name`);--> statement-breakpoint
CREATE UNIQUE INDEX `policies_default` ON `policies` (`tenant_id`) WHERE is_default = 1;--> statement-breakpoint
CREATE TABLE `scim_tokens` (
	`tenant_id` text NOT NULL,
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`hash` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer,
	`last_used_at` integer,
	`revoked_at` integer,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `scim_tokens_hash_unique` ON `scim_tokens` (`hash`);--> statement-breakpoint
CREATE INDEX `scim_tokens_tenant` ON `scim_tokens` (`tenant_id`);--> statement-breakpoint
CREATE TABLE `setup_codes` (
	`hash` text PRIMARY KEY NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`used_at` integer
);
--> statement-breakpoint
CREATE TABLE `user_identities` (
	`tenant_id` text NOT NULL,
	`identity_provider_id` text NOT NULL,
	`subject` text NOT NULL,
	`user_id` text NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`identity_provider_id`, `subject`),
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`identity_provider_id`) REFERENCES `identity_providers`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `user_identities_user` ON `user_identities` (`tenant_id`,`user_id`);--> statement-breakpoint
CREATE TABLE `user_sessions` (
	`tenant_id` text NOT NULL,
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`public_jwk` text NOT NULL,
	`authentication` text NOT NULL,
	`hostname` text,
	`platform` text,
	`version` text,
	`address` text,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`last_used_at` integer,
	`revoked_at` integer,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `user_sessions_user` ON `user_sessions` (`tenant_id`,`user_id`);--> statement-breakpoint
-- No version before this one wrote into users, groups or group_members.
DROP TABLE `group_members`;--> statement-breakpoint
DROP TABLE `groups`;--> statement-breakpoint
DROP TABLE `users`;--> statement-breakpoint
CREATE TABLE `users` (
	`tenant_id` text NOT NULL,
	`id` text PRIMARY KEY NOT NULL,
	`user_name` text NOT NULL,
	`email` text,
	`name` text,
	`external_id` text,
	`source` text NOT NULL,
	`role` text,
	`active` integer DEFAULT true NOT NULL,
	`attributes` text DEFAULT '{}' NOT NULL,
	`version` integer DEFAULT 1 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`last_login_at` integer,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `users_user_name` ON `users` (`tenant_id`,lower(`user_name`));--> statement-breakpoint
CREATE INDEX `users_email` ON `users` (`tenant_id`,`email`);--> statement-breakpoint
CREATE INDEX `users_external` ON `users` (`tenant_id`,`external_id`);--> statement-breakpoint
CREATE TABLE `groups` (
	`tenant_id` text NOT NULL,
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`external_id` text,
	`source` text NOT NULL,
	`version` integer DEFAULT 1 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `groups_name` ON `groups` (`tenant_id`,`name`);--> statement-breakpoint
CREATE INDEX `groups_external` ON `groups` (`tenant_id`,`external_id`);--> statement-breakpoint
CREATE TABLE `group_members` (
	`tenant_id` text NOT NULL,
	`group_id` text NOT NULL,
	`user_id` text NOT NULL,
	PRIMARY KEY(`group_id`, `user_id`),
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`group_id`) REFERENCES `groups`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `group_members_user` ON `group_members` (`tenant_id`,`user_id`);--> statement-breakpoint
ALTER TABLE `resources` ADD `policy_id` text REFERENCES policies(id);
