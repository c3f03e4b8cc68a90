// Package tenancy answers "where": which commune a request belongs to and how
// its data is reached.
//
// It owns the directory of communes, the connections, the transactions, the
// migration runner and the provisioning of a commune. It does not own what a
// commune is called on its pages, its colours or its services: those live in
// the commune's own schema.
//
// A commune is a key you are handed. Only [Directory] mints a [Tenant]; its
// zero value is refused everywhere. [DB.In] is the only way to a commune's
// data: it opens one transaction in which role and search path are set for
// that transaction alone, through a login that is a member of that commune's
// role and of no other. So the types refuse first, then PostgreSQL does.
//
// Three credentials exist. The runtime logins (one per commune) have DML on
// one schema. The platform login has DML on the directory. The owner creates
// schemas and roles, and belongs to `migrate`, `tenant` and the provisioning
// worker, never to a process that faces the web.
package tenancy
