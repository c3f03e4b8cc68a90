package config

import (
	"encoding/base64"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Config is every setting. The `env` tag is the variable's name without
// SPORTELLO_; `secret:"value"` hides a setting whole, `secret:"url"` hides the
// password inside an address, and either allows <VARIABLE>_FILE.
type Config struct {
	Server   Server   `koanf:"server"`
	Database Database `koanf:"database"`
	Redis    Redis    `koanf:"redis"`
	Keys     Keys     `koanf:"keys"`
	Tenants  Tenants  `koanf:"tenants"`
	Blob     Blob     `koanf:"blob"`
	Mail     Mail     `koanf:"mail"`
	Scanner  Scanner  `koanf:"scanner"`
	Egress   Egress   `koanf:"egress"`
	Domains  Domains  `koanf:"domains"`
	Worker   Worker   `koanf:"worker"`
	Payments Payments `koanf:"payments"`
	Quotas   Quotas   `koanf:"quotas"`
	Log      Log      `koanf:"log"`
	Audit    Audit    `koanf:"audit"`
	Trace    Trace    `koanf:"trace"`

	// Demo is true only under `sportello demo` and in tests.
	Demo bool `koanf:"demo" env:"DEMO"`

	sources map[string]string // setting key → where its value came from
	unknown []string          // SPORTELLO_* variables that are no setting
}

// Server is where and how pages are served.
type Server struct {
	Addr           string        `koanf:"addr" env:"ADDR"`
	OpsAddr        string        `koanf:"ops_addr" env:"OPS_ADDR"`
	BaseDomain     string        `koanf:"base_domain" env:"BASE_DOMAIN"`
	PublicScheme   string        `koanf:"public_scheme" env:"PUBLIC_SCHEME"`
	PublicPort     int           `koanf:"public_port" env:"PUBLIC_PORT"`
	Data           string        `koanf:"data" env:"DATA"`
	TrustedProxies []string      `koanf:"trusted_proxies" env:"TRUSTED_PROXIES"`
	ReadTimeout    time.Duration `koanf:"read_timeout" env:"READ_TIMEOUT"`
	WriteTimeout   time.Duration `koanf:"write_timeout" env:"WRITE_TIMEOUT"`
	IdleTimeout    time.Duration `koanf:"idle_timeout" env:"IDLE_TIMEOUT"`
	StopTimeout    time.Duration `koanf:"stop_timeout" env:"STOP_TIMEOUT"`
	DrainDelay     time.Duration `koanf:"drain_delay" env:"DRAIN_DELAY"`
	PerCommune     int           `koanf:"per_commune" env:"PER_COMMUNE"`
}

// PortSuffix is what stands after the host in an address that visitors type:
// ":8080", or "" for the scheme's own port.
func (s Server) PortSuffix() string {
	port := strconv.Itoa(s.PublicPort)
	if s.PublicPort == 0 {
		if s.PublicScheme == "https" {
			return ""
		}
		_, p, err := net.SplitHostPort(s.Addr)
		if err != nil {
			return ""
		}
		port = p
	}
	if (s.PublicScheme == "http" && port == "80") || (s.PublicScheme == "https" && port == "443") {
		return ""
	}
	return ":" + port
}

// URL is the public address of a host of ours, without a trailing slash:
// URL("chiasso.localhost") is "http://chiasso.localhost:8080".
func (s Server) URL(host string) string {
	return s.PublicScheme + "://" + host + s.PortSuffix()
}

// Database says how to reach PostgreSQL. The owner's address never stands in a
// process that faces the web.
type Database struct {
	URL                      string        `koanf:"url" env:"DATABASE_URL" secret:"url"`
	OwnerURL                 string        `koanf:"owner_url" env:"OWNER_DATABASE_URL" secret:"url"`
	Clusters                 string        `koanf:"clusters" env:"DATABASE_CLUSTERS" secret:"value"`
	OwnerClusters            string        `koanf:"owner_clusters" env:"OWNER_DATABASE_CLUSTERS" secret:"value"`
	Pooler                   string        `koanf:"pooler" env:"DATABASE_POOLER"`
	PoolSize                 int           `koanf:"pool_size" env:"DATABASE_POOL_SIZE"`
	PoolLimit                int           `koanf:"pool_limit" env:"DATABASE_POOL_LIMIT"`
	Connections              int           `koanf:"connections" env:"DATABASE_CONNECTIONS"`
	PlatformPoolSize         int           `koanf:"platform_pool_size" env:"DATABASE_PLATFORM_POOL_SIZE"`
	AcquireTimeout           time.Duration `koanf:"acquire_timeout" env:"DATABASE_ACQUIRE_TIMEOUT"`
	ConnLifetime             time.Duration `koanf:"conn_lifetime" env:"DATABASE_CONN_LIFETIME"`
	StatementTimeout         time.Duration `koanf:"statement_timeout" env:"DATABASE_STATEMENT_TIMEOUT"`
	IdleInTransactionTimeout time.Duration `koanf:"idle_in_transaction_timeout" env:"DATABASE_IDLE_IN_TRANSACTION_TIMEOUT"`
	LockTimeout              time.Duration `koanf:"lock_timeout" env:"DATABASE_LOCK_TIMEOUT"`
}

// ClusterURLs are the further clusters' addresses by name.
func (d Database) ClusterURLs() (map[string]string, error) {
	return clusterURLs("SPORTELLO_DATABASE_CLUSTERS", d.Clusters)
}

// OwnerClusterURLs are the owners' addresses on the further clusters by name.
func (d Database) OwnerClusterURLs() (map[string]string, error) {
	return clusterURLs("SPORTELLO_OWNER_DATABASE_CLUSTERS", d.OwnerClusters)
}

// clusterURLs never repeats an address in its error: it may hold a password.
func clusterURLs(setting, list string) (map[string]string, error) {
	out := map[string]string{}
	for _, item := range strings.Fields(list) {
		name, address, ok := strings.Cut(item, "=")
		u, err := url.Parse(address)
		if !ok || err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") || out[name] != "" {
			return nil, fmt.Errorf("%s must list name=postgres://… parted by spaces, each name once", setting)
		}
		out[name] = address
	}
	return out, nil
}

// Redis says how to reach Redis (redis:// or rediss://).
type Redis struct {
	URL string `koanf:"url" env:"REDIS_URL" secret:"url"`
}

// Keys says which master key wraps the keys of all communes: MasterKey, or, when
// KMSURL is set, one that a key service keeps. The others only unwrap, while one
// takes the place of another.
type Keys struct {
	MasterKey         string `koanf:"master_key" env:"MASTER_KEY" secret:"value"`
	MasterKeyPrevious string `koanf:"master_key_previous" env:"MASTER_KEY_PREVIOUS" secret:"value"`
	KMSURL            string `koanf:"kms_url" env:"KMS_URL"`
	KMSToken          string `koanf:"kms_token" env:"KMS_TOKEN" secret:"value"`
	KMSNamespace      string `koanf:"kms_namespace" env:"KMS_NAMESPACE"`
	KMSRetiring       bool   `koanf:"kms_retiring" env:"KMS_RETIRING"`
}

// MasterKeySize is the length of the decoded master key in bytes (AES-256).
const MasterKeySize = 32

// Master is the decoded master key, MasterKeySize bytes long; nil without an error
// when a key service keeps the only one.
func (k Keys) Master() ([]byte, error) {
	if k.MasterKey == "" && k.KMSURL != "" {
		return nil, nil
	}
	return masterKey("SPORTELLO_MASTER_KEY", k.MasterKey)
}

// Previous is the decoded master key of before; nil when there is none.
func (k Keys) Previous() ([]byte, error) {
	if k.MasterKeyPrevious == "" {
		return nil, nil
	}
	return masterKey("SPORTELLO_MASTER_KEY_PREVIOUS", k.MasterKeyPrevious)
}

func masterKey(name, value string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(value)
	if err != nil || len(b) != MasterKeySize {
		return nil, fmt.Errorf("%s must be %d bytes in base64 (openssl rand -base64 %d)", name, MasterKeySize, MasterKeySize)
	}
	return b, nil
}

// Tenants says where the communes' folders are read from; an empty Dir means
// the copy inside the binary.
type Tenants struct {
	Dir string `koanf:"dir" env:"TENANTS_DIR"`
}

// Blob says where documents and uploads are kept.
type Blob struct {
	URL string `koanf:"url" env:"BLOB_URL" secret:"url"`
}

// BlobURL is Blob.URL, or the folder "blobs" under the data folder when that is empty.
func (c Config) BlobURL() string {
	if c.Blob.URL != "" {
		return c.Blob.URL
	}
	dir, err := filepath.Abs(filepath.Join(c.Server.Data, "blobs"))
	if err != nil { // the working folder is gone; opening the bucket will say so
		dir = filepath.Join(c.Server.Data, "blobs")
	}
	return "file://" + filepath.ToSlash(dir)
}

// Mail says how mails leave.
type Mail struct {
	SMTPAddr string        `koanf:"smtp_addr" env:"SMTP_ADDR"`
	TLS      string        `koanf:"tls" env:"SMTP_TLS"`
	Username string        `koanf:"username" env:"SMTP_USERNAME"`
	Password string        `koanf:"password" env:"SMTP_PASSWORD" secret:"value"`
	Sender   string        `koanf:"sender" env:"MAIL_SENDER"`
	Timeout  time.Duration `koanf:"timeout" env:"SMTP_TIMEOUT"`
}

// Scanner says how uploads are checked for malware; an empty ClamdAddr means not at all.
type Scanner struct {
	ClamdAddr string        `koanf:"clamd_addr" env:"CLAMD_ADDR"`
	Timeout   time.Duration `koanf:"timeout" env:"CLAMD_TIMEOUT"`
}

// Audit says where heads of the audit chains are kept outside the database; an
// empty AnchorDir means in the platform's table alone.
type Audit struct {
	AnchorDir string `koanf:"anchor_dir" env:"AUDIT_ANCHOR_DIR"`
}

// Egress says which private addresses outgoing calls may reach.
type Egress struct {
	Allow   []string      `koanf:"allow" env:"EGRESS_ALLOW"`
	Timeout time.Duration `koanf:"timeout" env:"EGRESS_TIMEOUT"`
}

// Domains says how a commune's own domain is proved: whom to ask for its DNS
// records, and where they must point. Empty Addresses are those that
// <commune>.<base> has.
type Domains struct {
	Resolver  string   `koanf:"resolver" env:"DOMAINS_RESOLVER"`
	Addresses []string `koanf:"addresses" env:"DOMAINS_ADDRESSES"`
}

// Worker bounds background work.
type Worker struct {
	Concurrency int `koanf:"concurrency" env:"WORKER_CONCURRENCY"`
	PerTenant   int `koanf:"per_tenant" env:"WORKER_PER_TENANT"`
}

// Payments says where the payment providers answer. Each commune's own account
// with a provider is data of that commune.
type Payments struct {
	PostFinanceURL string `koanf:"postfinance_url" env:"POSTFINANCE_URL"`
}

// Quotas are what a commune may use where the entity has granted it nothing else.
type Quotas struct {
	StorageGB    int `koanf:"storage_gb" env:"QUOTA_STORAGE_GB"`
	Mails        int `koanf:"mails" env:"QUOTA_MAILS"`
	API          int `koanf:"api" env:"QUOTA_API"`
	APIPerMinute int `koanf:"api_per_minute" env:"QUOTA_API_PER_MINUTE"`
}

// Log says what is logged and how.
type Log struct {
	Level  string `koanf:"level" env:"LOG_LEVEL"`
	Format string `koanf:"format" env:"LOG_FORMAT"`
}

// Trace says where spans go; an empty URL means nowhere.
type Trace struct {
	URL string `koanf:"url" env:"OTLP_URL" secret:"url"`
}
