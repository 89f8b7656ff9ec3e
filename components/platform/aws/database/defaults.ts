/** Major version of PostgreSQL; RDS takes the minor ones by itself, in the maintenance window. */
export const POSTGRES_VERSION = "17";
export const POSTGRES_PORT = 5432;

/** Owns every database, as in the cluster's own server. */
export const POSTGRES_USER = "millwright";

/** Random bytes of the password: 256 bits, 43 characters of base64url, which RDS takes all. */
export const PASSWORD_BYTES = 32;

/** Parameters that differ from RDS's. */
export const PARAMETERS = [
  // A connection without TLS is refused.
  { name: "rds.force_ssl", value: "1" },
  { name: "log_connections", value: "1" },
  { name: "log_disconnections", value: "1" },
  // Milliseconds from which a statement is written into the log.
  { name: "log_min_duration_statement", value: "1000" },
] as const;

/** Logs that go to CloudWatch, where they outlive the machine. */
export const DATABASE_LOGS = ["postgresql", "upgrade"] as const;

/** In UTC; the backup ends before the maintenance begins. */
export const BACKUP_WINDOW = "01:00-02:00";
export const MAINTENANCE_WINDOW = "sun:03:00-sun:04:00";

/** Seconds between two measurements of the machine itself. */
export const MONITORING_SECONDS = 60;

/** Days for which statements can be looked up by the load they made; seven are free. */
export const INSIGHTS_DAYS = 7;

/** Storage may grow to this many times what the stack says before somebody is asked. */
export const STORAGE_GROWTH = 4;

/** Largest storage of an instance, in GiB (Amazon RDS User Guide, "Quotas and constraints"). */
export const MAX_STORAGE_GIB = 65_536;

/** The certificate authority of the server's certificate; its root is in `global-bundle.pem`. */
export const CERTIFICATE_AUTHORITY = "rds-ca-rsa2048-g1";
