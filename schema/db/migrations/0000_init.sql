CREATE TABLE `acl_floors` (
	`tenant_id` text NOT NULL,
	`principal_id` text NOT NULL,
	`version` integer NOT NULL,
	`at` integer NOT NULL,
	PRIMARY KEY(`tenant_id`, `principal_id`),
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `api_tokens` (
	`tenant_id` text NOT NULL,
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`scopes` text NOT NULL,
	`hash` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer,
	`last_used_at` integer,
	`revoked_at` integer,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `api_tokens_hash_unique` ON `api_tokens` (`hash`);--> statement-breakpoint
CREATE INDEX `api_tokens_tenant` ON `api_tokens` (`tenant_id`);--> statement-breakpoint
CREATE TABLE `audit_entries` (
	`tenant_id` text NOT NULL,
	`id` text PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`actor` text NOT NULL,
	`action` text NOT NULL,
	`target_kind` text NOT NULL,
	`target_id` text NOT NULL,
	`before` text,
	`after` text,
	`request_id` text NOT NULL,
	`address` text,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `audit_at` ON `audit_entries` (`tenant_id`,`at`,`id`);--> statement-breakpoint
CREATE TABLE `connectors` (
	`tenant_id` text NOT NULL,
	`id` text PRIMARY KEY NOT NULL,
	`remote_network_id` text NOT NULL,
	`name` text NOT NULL,
	`hash` text,
	`public_jwk` text,
	`version` text,
	`capability` integer,
	`hostname` text,
	`labels` text,
	`relays` text,
	`public_address` text,
	`created_at` integer NOT NULL,
	`enrolled_at` integer,
	`connected_at` integer,
	`disconnected_at` integer,
	`revoked_at` integer,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`remote_network_id`) REFERENCES `remote_networks`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `connectors_hash_unique` ON `connectors` (`hash`);--> statement-breakpoint
CREATE UNIQUE INDEX `connectors_name` ON `connectors` (`tenant_id`,`name`);--> statement-breakpoint
CREATE INDEX `connectors_network` ON `connectors` (`remote_network_id`);--> statement-breakpoint
CREATE TABLE `enrolment_tokens` (
	`tenant_id` text NOT NULL,
	`hash` text PRIMARY KEY NOT NULL,
	`connector_id` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`used_at` integer,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `enrolment_tokens_connector` ON `enrolment_tokens` (`connector_id`);--> statement-breakpoint
CREATE TABLE `events` (
	`tenant_id` text NOT NULL,
	`id` text NOT NULL,
	`at` integer NOT NULL,
	`kind` text NOT NULL,
	`reporter` text NOT NULL,
	`connection` text NOT NULL,
	`principal` text,
	`key` text,
	`instance` text,
	`client_address` text,
	`resource` text,
	`rule` text,
	`protocol` text NOT NULL,
	`host` text NOT NULL,
	`port` integer,
	`resolved` text,
	`network` text,
	`connector` text,
	`relay` text,
	`path` text NOT NULL,
	`bytes_up` integer NOT NULL,
	`bytes_down` integer NOT NULL,
	`duration_ms` integer NOT NULL,
	`code` text,
	`acl_age` integer,
	PRIMARY KEY(`tenant_id`, `id`),
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `events_at` ON `events` (`tenant_id`,`at`,`id`);--> statement-breakpoint
CREATE INDEX `events_resource` ON `events` (`tenant_id`,`resource`,`at`);--> statement-breakpoint
CREATE INDEX `events_principal` ON `events` (`tenant_id`,`principal`,`at`);--> statement-breakpoint
CREATE INDEX `events_connector` ON `events` (`tenant_id`,`connector`,`at`);--> statement-breakpoint
CREATE TABLE `grants` (
	`tenant_id` text NOT NULL,
	`id` text PRIMARY KEY NOT NULL,
	`resource_id` text NOT NULL,
	`grantee_kind` text NOT NULL,
	`grantee_id` text NOT NULL,
	`expires_at` integer,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`resource_id`) REFERENCES `resources`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `grants_pair` ON `grants` (`tenant_id`,`resource_id`,`grantee_id`);--> statement-breakpoint
CREATE INDEX `grants_grantee` ON `grants` (`tenant_id`,`grantee_id`);--> statement-breakpoint
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
CREATE TABLE `groups` (
	`tenant_id` text NOT NULL,
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `groups_name` ON `groups` (`tenant_id`,`name`);--> statement-breakpoint
CREATE TABLE `idempotency_keys` (
	`tenant_id` text NOT NULL,
	`key` text NOT NULL,
	`request` text NOT NULL,
	`status` integer,
	`body` text,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`tenant_id`, `key`),
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `instances` (
	`tenant_id` text NOT NULL,
	`id` text PRIMARY KEY NOT NULL,
	`principal_id` text NOT NULL,
	`key_id` text,
	`jkt` text NOT NULL,
	`hostname` text,
	`version` text,
	`public_address` text,
	`started_at` integer NOT NULL,
	`connected_at` integer,
	`disconnected_at` integer,
	`revoked_at` integer,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `instances_key` ON `instances` (`tenant_id`,`key_id`);--> statement-breakpoint
CREATE INDEX `instances_started` ON `instances` (`started_at`);--> statement-breakpoint
CREATE TABLE `relays` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`url` text NOT NULL,
	`carriers` text NOT NULL,
	`enrolment_hash` text,
	`enrolment_expires_at` integer,
	`public_jwk` text,
	`jkt` text,
	`created_at` integer NOT NULL,
	`enrolled_at` integer,
	`connected_at` integer,
	`disconnected_at` integer,
	`revoked_at` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `relays_name_unique` ON `relays` (`name`);--> statement-breakpoint
CREATE UNIQUE INDEX `relays_enrolment_hash_unique` ON `relays` (`enrolment_hash`);--> statement-breakpoint
CREATE TABLE `remote_networks` (
	`tenant_id` text NOT NULL,
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`location` text,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `remote_networks_name` ON `remote_networks` (`tenant_id`,`name`);--> statement-breakpoint
CREATE TABLE `resources` (
	`tenant_id` text NOT NULL,
	`id` text PRIMARY KEY NOT NULL,
	`remote_network_id` text NOT NULL,
	`name` text NOT NULL,
	`address` text NOT NULL,
	`alias` text,
	`tcp` text NOT NULL,
	`udp` text NOT NULL,
	`icmp` integer DEFAULT true NOT NULL,
	`tags` text DEFAULT '{}' NOT NULL,
	`allow_reserved` integer DEFAULT false NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`remote_network_id`) REFERENCES `remote_networks`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `resources_name` ON `resources` (`tenant_id`,`name`);--> statement-breakpoint
CREATE UNIQUE INDEX `resources_address` ON `resources` (`tenant_id`,`remote_network_id`,`address`);--> statement-breakpoint
CREATE UNIQUE INDEX `resources_alias` ON `resources` (`tenant_id`,`alias`);--> statement-breakpoint
CREATE TABLE `revocations` (
	`tenant_id` text NOT NULL,
	`id` text PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`subject` text NOT NULL,
	`receipt` text,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `revocations_at` ON `revocations` (`tenant_id`,`at`);--> statement-breakpoint
CREATE TABLE `service_accounts` (
	`tenant_id` text NOT NULL,
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`description` text,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `service_accounts_name` ON `service_accounts` (`tenant_id`,`name`);--> statement-breakpoint
CREATE TABLE `service_keys` (
	`tenant_id` text NOT NULL,
	`id` text PRIMARY KEY NOT NULL,
	`service_account_id` text NOT NULL,
	`name` text NOT NULL,
	`public_jwk` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer,
	`revoked_at` integer,
	`last_used_at` integer,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`service_account_id`) REFERENCES `service_accounts`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `service_keys_account` ON `service_keys` (`tenant_id`,`service_account_id`);--> statement-breakpoint
CREATE TABLE `signing_keys` (
	`tenant_id` text NOT NULL,
	`kid` text NOT NULL,
	`state` text NOT NULL,
	`public_jwk` text NOT NULL,
	`sealed` text NOT NULL,
	`created_at` integer NOT NULL,
	`retired_at` integer,
	PRIMARY KEY(`tenant_id`, `kid`),
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `tenants` (
	`id` text PRIMARY KEY NOT NULL,
	`slug` text NOT NULL,
	`name` text NOT NULL,
	`hostname` text,
	`staleness_budget` integer DEFAULT 900 NOT NULL,
	`event_retention_days` integer DEFAULT 30 NOT NULL,
	`config_version` integer DEFAULT 1 NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `tenants_slug_unique` ON `tenants` (`slug`);--> statement-breakpoint
CREATE UNIQUE INDEX `tenants_hostname_unique` ON `tenants` (`hostname`);--> statement-breakpoint
CREATE TABLE `used_jtis` (
	`jti` text PRIMARY KEY NOT NULL,
	`expires_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `users` (
	`tenant_id` text NOT NULL,
	`id` text PRIMARY KEY NOT NULL,
	`email` text NOT NULL,
	`name` text,
	`active` integer DEFAULT true NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `users_email` ON `users` (`tenant_id`,`email`);