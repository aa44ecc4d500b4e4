DROP INDEX `events_at`;--> statement-breakpoint
CREATE INDEX `events_stored` ON `events` (`tenant_id`);--> statement-breakpoint
CREATE INDEX `events_kind` ON `events` (`tenant_id`,`kind`,`at`);--> statement-breakpoint
CREATE INDEX `events_connection` ON `events` (`tenant_id`,`connection`);--> statement-breakpoint
CREATE INDEX `events_key` ON `events` (`tenant_id`,`key`,`at`) WHERE key is not null;--> statement-breakpoint
CREATE INDEX `events_instance` ON `events` (`tenant_id`,`instance`,`at`) WHERE instance is not null;--> statement-breakpoint
CREATE INDEX `events_code` ON `events` (`tenant_id`,`code`,`at`) WHERE code is not null;--> statement-breakpoint
CREATE INDEX `events_path` ON `events` (`tenant_id`,`path`,`at`);--> statement-breakpoint
CREATE INDEX `events_at` ON `events` (`tenant_id`,`at`,`id`,`kind`,`suppressed`);--> statement-breakpoint
CREATE INDEX `audit_target` ON `audit_entries` (`tenant_id`,`target_id`,`at`);--> statement-breakpoint
CREATE INDEX `audit_actor` ON `audit_entries` (`tenant_id`,`actor`,`at`);