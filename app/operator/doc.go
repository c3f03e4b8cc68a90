// Package operator is the shared entity's part: its console on ente.<base>,
// the life of a commune (opened, suspended, resumed) and the worker that does
// the long part of it.
//
// The web process may not create schemas: the console writes a job, and only
// the provisioning worker, which holds the owner's credential, does it. The
// entity's people see how a commune's desk is doing, in figures; what lies in
// a commune is closed to them.
package operator
