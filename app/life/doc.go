// Package life is a commune's life after its opening: moving it to another
// PostgreSQL cluster, backing it up and restoring it alone, handing everything
// over, taking it in elsewhere, and archiving it.
//
// It owns the copying and its checks. It does not own schemas, roles and the
// directory (app/tenancy), nor the pages that ask for this work (app/operator):
// it runs in the provisioning worker and on the command line, with the owner's
// credential.
//
// Every step can be interrupted and run again. Which tables there are, which of
// them leave and how, is said by migrations/tenant/tables.yaml alone.
package life
