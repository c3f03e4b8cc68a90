package ui

import "github.com/a-h/templ"

// Sheet is a page of a console that is made of sections: figures, tables,
// forms, one below the other. A page with a shape of its own has a view of its
// own; this one keeps the many plain ones alike.
type Sheet struct {
	Side     []Link
	Crumbs   []Link // the last is the page itself
	Title    string
	Lead     string
	State    *State
	Action   *Link // the one obvious thing to do, beside the title
	Now      string
	Notice   string // what was just done
	Warning  string // what the reader should know first
	Problems []Problem
	Tasks    []Task
	Tiles    []Tile
	Sections []Section
	Aside    []Section
}

// Section is one part of a sheet. What is empty is left out.
type Section struct {
	ID, Title string
	Note      string
	More      *Link // beside the heading
	Chart     templ.Component
	Grid      *Grid
	Pager     Pager
	Filters   []Input // above the table
	FilterURL string
	FilterKey string // key of the button's text; "" for «Filtrare»
	Rows      []Row
	Facts     []Fact
	Sums      []Answer
	Moments   []Moment
	Messages  []Message
	Text      []string // paragraphs
	Links     []Link   // other forms of the same: CSV, PDF
	Empty     string   // said where there is nothing yet
	Forms     []Form
}

// Form is fields with one button.
type Form struct {
	Action  string // POST
	Submit  string
	Lead    string
	Fields  []Input
	Cancel  string // where to go instead
	Quiet   bool   // an outlined button: not the one obvious thing
	Danger  bool
	Name    string // name and value of the button, where two forms share a route
	Value   string
	Heading string
}

// problems are those given, else those of the fields of all forms.
func (s Sheet) problems() []Problem {
	if s.Problems != nil {
		return s.Problems
	}
	var out []Problem
	for _, part := range append(append([]Section(nil), s.Sections...), s.Aside...) {
		for _, f := range part.Forms {
			out = append(out, Problems(f.Fields)...)
		}
	}
	return out
}

// enctype is multipart where a file can be attached.
func (f Form) enctype() string {
	for _, in := range f.Fields {
		if in.Kind == File {
			return "multipart/form-data"
		}
	}
	return "application/x-www-form-urlencoded"
}
