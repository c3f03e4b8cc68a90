package catalogue

import (
	"context"
	"io/fs"

	"github.com/sportello-ticino/sportello/app/catalogue/definition"
	"github.com/sportello-ticino/sportello/app/catalogue/overlay"
	"github.com/sportello-ticino/sportello/app/catalogue/source"
	"github.com/sportello-ticino/sportello/app/rules"
)

// What other modules know of definitions, by the names they use: the packages
// below are this module's own.
type (
	Tree             = overlay.Tree
	Change           = overlay.Change
	Choice           = overlay.Choice
	Resolution       = overlay.Resolution
	Definition       = definition.Definition
	Service          = definition.Service
	ServiceKind      = definition.ServiceKind
	Output           = definition.Output
	Due              = definition.Due
	OutputKind       = definition.OutputKind
	Fee              = definition.Fee
	Amount           = definition.Amount
	Francs           = definition.Francs
	Example          = definition.Example
	ExampleApplicant = definition.ExampleApplicant
	ExampleRegister  = definition.ExampleRegister
	Expectation      = definition.Expectation
	Unexpected       = definition.Unexpected
	Folder           = definition.Folder
	Commune          = definition.Commune
	Calendar         = definition.Calendar
	Report           = definition.Report
	Mistake          = definition.Mistake
	Mistakes         = definition.Mistakes
)

// The words of definitions that others compare with.
const (
	Smart         = definition.Smart
	Traditional   = definition.Traditional
	Authorisation = definition.Authorisation
	Certificate   = definition.Certificate
	Ruling        = definition.Ruling
	OnSubmission  = definition.OnSubmission
	OnDecision    = definition.OnDecision
	Ours          = overlay.Ours
	Theirs        = overlay.Theirs
	Another       = overlay.Another
	SchemaFile    = definition.SchemaFile
)

var (
	categories = definition.Categories()
	lifeEvents = definition.LifeEvents()
	audiences  = definition.Audiences()
)

// Categories are the themes of the catalogue in their order.
func Categories() []string { return definition.Categories() }

// LifeEvents are the moments of people's lives that services belong to.
func LifeEvents() []string { return definition.LifeEvents() }

// BusinessEvents are the moments of a firm's life that services belong to.
func BusinessEvents() []string { return definition.BusinessEvents() }

// Audiences are whom services are for.
func Audiences() []string { return definition.Audiences() }

// Channels are the ways to ask for a service.
func Channels() []string { return definition.Channels() }

// ReadDefinition reads a service's file: see definition.Read.
func ReadDefinition(file string, data []byte) (Tree, error) { return definition.Read(file, data) }

// WriteDefinition writes a service's file in canonical form.
func WriteDefinition(tree Tree) ([]byte, error) { return definition.Write(tree) }

// WriteOverlays writes a commune's services.yaml in canonical form.
func WriteOverlays(overlays map[string]Tree) ([]byte, error) {
	return definition.WriteOverlays(overlays)
}

// Shared reads the shared catalogue of a tenants folder.
func Shared(root fs.FS) (map[string]Tree, error) { return definition.Shared(root) }

// Overlays reads what a commune offers, <folder>/services.yaml.
func Overlays(root fs.FS, folder string) (map[string]Tree, error) {
	return definition.Overlays(root, folder)
}

// ReadFolder reads and checks what the commune in dir offers.
func ReadFolder(ctx context.Context, root fs.FS, dir, calendar string) (Folder, error) {
	return definition.ReadFolder(ctx, root, dir, calendar)
}

// ReadCalendar reads a calendar of holidays by its name.
func ReadCalendar(root fs.FS, name string) (*Calendar, error) {
	return definition.ReadCalendar(root, name)
}

// ReadCommune reads what a check needs to know of a commune's folder.
func ReadCommune(root fs.FS, folder string) (Commune, error) {
	return definition.ReadCommune(root, folder)
}

// Check compiles every service of the shared catalogue and of every commune and
// runs their examples: see definition.Check.
func Check(ctx context.Context, root fs.FS, communes []Commune, engine *rules.Engine) (Report, error) {
	return definition.Check(ctx, root, communes, engine)
}

// Compile makes a service of a definition: see definition.Compile.
func Compile(def Definition, engine *rules.Engine) (*Service, error) {
	return definition.Compile(def, engine)
}

// Convert makes drafts of the entries of a list of services: see definition.Convert.
func Convert(file string, data []byte) (map[string][]byte, []error) {
	return definition.Convert(file, data)
}

// Undrafted leaves out what is a service already.
func Undrafted(drafts map[string][]byte, services map[string]Tree) map[string][]byte {
	return definition.Undrafted(drafts, services)
}

// Schema is the JSON Schema 2020-12 of a service's file.
func Schema() ([]byte, error) { return definition.Schema() }

// MistakesOf are the mistakes an error carries.
func MistakesOf(err error) Mistakes { return source.MistakesOf(err) }

// Merge lays an overlay over a shared definition.
func Merge(shared, over Tree) Tree { return overlay.Merge(shared, over) }

// Compare lists the differences from one tree to another, in order of path.
func Compare(from, to Tree) []Change { return overlay.Compare(from, to) }
