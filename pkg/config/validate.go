package config

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Command is a command of the program, for what it can and cannot run with.
type Command string

// The commands with needs of their own.
const (
	Demo    Command = "demo"
	Serve   Command = "serve"
	Work    Command = "worker"
	Migrate Command = "migrate"
	Tenant  Command = "tenant"
)

// validate refuses what no command can use.
func (c Config) validate() error {
	var p problems
	p.hostPort("SPORTELLO_ADDR", c.Server.Addr)
	p.hostPort("SPORTELLO_OPS_ADDR", c.Server.OpsAddr)
	p.oneOf("SPORTELLO_PUBLIC_SCHEME", c.Server.PublicScheme, "http", "https")
	p.oneOf("SPORTELLO_SMTP_TLS", c.Mail.TLS, "none", "opportunistic", "required", "implicit")
	p.oneOf("SPORTELLO_LOG_LEVEL", c.Log.Level, "debug", "info", "warn", "error")
	p.oneOf("SPORTELLO_LOG_FORMAT", c.Log.Format, "text", "json")
	p.addIf(c.Server.PublicPort < 0 || c.Server.PublicPort > 65535, "SPORTELLO_PUBLIC_PORT must lie between 0 and 65535")
	p.addIf(!isDomain(c.Server.BaseDomain), "SPORTELLO_BASE_DOMAIN %q is not a domain name in lower case", c.Server.BaseDomain)
	p.addIf(c.Server.Data == "", "SPORTELLO_DATA must name a folder")
	for _, cidr := range c.Server.TrustedProxies {
		if _, err := netip.ParsePrefix(cidr); err != nil {
			p.add("SPORTELLO_TRUSTED_PROXIES: %q is not a CIDR such as 10.0.0.0/8", cidr)
		}
	}
	p.url("SPORTELLO_DATABASE_URL", c.Database.URL, "postgres", "postgresql")
	p.url("SPORTELLO_OWNER_DATABASE_URL", c.Database.OwnerURL, "postgres", "postgresql")
	p.addIf(c.Database.Pooler != "" && c.Database.Pooler != "transaction", "SPORTELLO_DATABASE_POOLER must be empty or transaction")
	_, err := c.Database.ClusterURLs()
	p.addErr(err)
	_, err = c.Database.OwnerClusterURLs()
	p.addErr(err)
	p.url("SPORTELLO_REDIS_URL", c.Redis.URL, "redis", "rediss", "unix")
	p.url("SPORTELLO_OTLP_URL", c.Trace.URL, "http", "https")
	p.url("SPORTELLO_POSTFINANCE_URL", c.Payments.PostFinanceURL, "http", "https")
	p.url("SPORTELLO_BLOB_URL", c.Blob.URL, "file", "mem")
	if c.Keys.MasterKey != "" {
		_, err := c.Keys.Master()
		p.addErr(err)
	}
	_, err = c.Keys.Previous()
	p.addErr(err)
	p.url("SPORTELLO_KMS_URL", c.Keys.KMSURL, "http", "https")
	p.addIf(c.Keys.KMSURL != "" && c.Keys.KMSToken == "", "SPORTELLO_KMS_TOKEN (or SPORTELLO_KMS_TOKEN_FILE) is needed with SPORTELLO_KMS_URL")
	p.addIf(c.Keys.KMSRetiring && c.Keys.MasterKey == "", "SPORTELLO_KMS_RETIRING needs SPORTELLO_MASTER_KEY, which is to take the service's place")
	if c.Domains.Resolver != "" {
		p.hostPort("SPORTELLO_DOMAINS_RESOLVER", c.Domains.Resolver)
	}
	for _, ip := range c.Domains.Addresses {
		if _, err := netip.ParseAddr(ip); err != nil {
			p.add("SPORTELLO_DOMAINS_ADDRESSES: %q is not an IP address", ip)
		}
	}
	if c.Mail.SMTPAddr != "" {
		p.hostPort("SPORTELLO_SMTP_ADDR", c.Mail.SMTPAddr)
	}
	if _, err := mail.ParseAddress(c.Mail.Sender); err != nil {
		p.add("SPORTELLO_MAIL_SENDER %q is not a mail address", c.Mail.Sender)
	}
	for name, n := range map[string]int{
		"SPORTELLO_DATABASE_POOL_SIZE": c.Database.PoolSize, "SPORTELLO_DATABASE_POOL_LIMIT": c.Database.PoolLimit,
		"SPORTELLO_DATABASE_CONNECTIONS": c.Database.Connections, "SPORTELLO_DATABASE_PLATFORM_POOL_SIZE": c.Database.PlatformPoolSize,
		"SPORTELLO_WORKER_CONCURRENCY": c.Worker.Concurrency, "SPORTELLO_WORKER_PER_TENANT": c.Worker.PerTenant,
		"SPORTELLO_QUOTA_STORAGE_GB": c.Quotas.StorageGB, "SPORTELLO_QUOTA_MAILS": c.Quotas.Mails, "SPORTELLO_QUOTA_API": c.Quotas.API, "SPORTELLO_QUOTA_API_PER_MINUTE": c.Quotas.APIPerMinute,
	} {
		p.addIf(n < 1, "%s must be at least 1", name)
	}
	v := reflect.ValueOf(c)
	for _, s := range settings() {
		if d, ok := v.FieldByIndex(s.index).Interface().(time.Duration); ok {
			mayBeZero := s.Env == "SPORTELLO_DRAIN_DELAY" // nobody is before the process
			p.addIf(d < 0 || d == 0 && !mayBeZero, "%s must be longer than 0s", s.Env)
		}
	}
	return p.join()
}

// For refuses settings that one command cannot run with: a web server without
// its servers and key, a demo that others could reach, an owner's address in a
// process that faces the web.
func (c Config) For(cmd Command) error {
	var p problems
	p.addIf(c.Demo && cmd != Demo, "SPORTELLO_DEMO is only for `sportello demo`: it lets anybody become anybody")
	switch cmd {
	case Demo:
		p.addIf(!Loopback(c.Server.Addr), "demo listens on loopback only, and SPORTELLO_ADDR is %s", c.Server.Addr)
		p.addIf(!Loopback(c.Server.OpsAddr), "demo listens on loopback only, and SPORTELLO_OPS_ADDR is %s", c.Server.OpsAddr)
	case Serve:
		p.required("SPORTELLO_DATABASE_URL", c.Database.URL)
		p.required("SPORTELLO_REDIS_URL", c.Redis.URL)
		p.required("SPORTELLO_MASTER_KEY", c.Keys.MasterKey+c.Keys.KMSURL)
		p.addIf(c.Database.OwnerClusters != "", "SPORTELLO_OWNER_DATABASE_CLUSTERS must not be set for `serve`: what faces the web cannot create schemas")
		p.addIf(c.Database.OwnerURL != "", "SPORTELLO_OWNER_DATABASE_URL must not be set for `serve`: what faces the web cannot create schemas")
	case Work:
		p.required("SPORTELLO_DATABASE_URL", c.Database.URL)
		p.required("SPORTELLO_REDIS_URL", c.Redis.URL)
		p.required("SPORTELLO_MASTER_KEY", c.Keys.MasterKey+c.Keys.KMSURL)
		p.required("SPORTELLO_SMTP_ADDR", c.Mail.SMTPAddr)
	case Migrate, Tenant:
		p.required("SPORTELLO_OWNER_DATABASE_URL", c.Database.OwnerURL)
	}
	return p.join()
}

// problems collects what is wrong, so that all of it is told at once.
type problems []error

func (p *problems) add(format string, args ...any) { *p = append(*p, fmt.Errorf(format, args...)) }

func (p *problems) addErr(err error) {
	if err != nil {
		*p = append(*p, err)
	}
}

func (p *problems) addIf(bad bool, format string, args ...any) {
	if bad {
		p.add(format, args...)
	}
}

func (p *problems) join() error {
	// Settings are checked partly from maps: the order must not change between runs.
	slices.SortFunc(*p, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(*p...)
}

func (p *problems) required(name, value string) {
	p.addIf(value == "", "%s must be set (or %s_FILE, if it is a secret)", name, name)
}

func (p *problems) oneOf(name, value string, allowed ...string) {
	p.addIf(!slices.Contains(allowed, value), "%s is %q and must be one of %s", name, value, strings.Join(allowed, ", "))
}

func (p *problems) hostPort(name, value string) {
	if _, port, err := net.SplitHostPort(value); err != nil || port == "" {
		p.add("%s %q is not host:port", name, value)
	}
}

// url checks the scheme and never repeats the address, which may hold a password.
func (p *problems) url(name, value string, schemes ...string) {
	if value == "" {
		return
	}
	u, err := url.Parse(value)
	p.addIf(err != nil || !slices.Contains(schemes, u.Scheme), "%s is not an address beginning with %s://", name, strings.Join(schemes, ":// or "))
}

// Loopback tells whether a host:port can be reached from this machine alone.
func Loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

func isDomain(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" ||
			label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return true
}
