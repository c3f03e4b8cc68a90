package ui

import (
	"regexp"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Link is a place to go.
type Link struct {
	Text    string
	URL     string
	Current bool   // the page one is on
	Count   string // a number behind the word, preformatted; may be empty
}

// Tone is the meaning of a status. Each has a colour and a shape of its own.
type Tone string

// The tones. Warning means: waits for the person who reads.
const (
	Info    Tone = "info"
	Warning Tone = "warning"
	Success Tone = "success"
	Danger  Tone = "danger"
)

// State is a status: always a word, with a shape by its tone.
type State struct {
	Tone Tone
	Text string
}

// Fact is a short answer in a panel: price, time, office.
type Fact struct {
	Term  string
	Value string
	Note  string // small, below the value
	Price bool   // the value is an amount and is set large
	Num   bool   // the value is a number that must not break
}

// Answer is one line of "check your answers" or of a list of amounts.
type Answer struct {
	Question  string
	Values    []string // one line each
	ChangeURL string   // empty where the answer cannot be changed
	Num       bool     // numbers that must not break
	Strong    bool     // the total
}

// Row is one line of a list whose whole width leads somewhere.
type Row struct {
	Title    string
	URL      string // empty for a row that leads nowhere
	Fact     string // short, on the right: a time, an amount
	DateTime string // machine-readable form of Fact when that is a date
	State    *State // instead of Fact
	Ref      string // a reference set before the note
	Note     string
	Marks    []Mark // the title parted at the words by which it was found; may be nil
}

// Mark is a piece of a text; Found sets it off from the rest.
type Mark struct {
	Text  string
	Found bool
}

// Moment is one point of a timeline, newest first.
type Moment struct {
	Title    string
	When     string // as people write it
	DateTime string // RFC 3339
	Text     string
	Link     *Link
	Now      bool
	Done     bool
}

// Task is what the person must do now.
type Task struct {
	Title  string
	Text   string
	Action Link
}

// Tile is a key figure, linked to the list it counts.
type Tile struct{ Value, Label, URL string }

// Column heads a column of a Table.
type Column struct {
	Title string
	Label string // name before the value on a narrow screen, empty where the value speaks for itself
	Num   bool   // amounts, to the right
	Sort  string // "ascending" or "descending" on the column that orders the table
}

// Cell is one value of a Table.
type Cell struct {
	Text    string
	URL     string
	Small   string // below, in small type
	MarkURL string // a commune's mark before the text
	State   *State
	Strong  bool
	Num     bool   // a number or date that must not break
	Spark   *Spark // how it went, after the text
}

// Grid is a table; the caption names it and may be hidden.
type Grid struct {
	Caption     string
	ShowCaption bool
	Columns     []Column
	Rows        [][]Cell
}

// Pager leads through the pages of a list.
type Pager struct {
	From, To, Total int
	PreviousURL     string
	NextURL         string
}

// Step is one step of a form.
type Step struct {
	Title   string
	URL     string // of a done step
	Done    bool
	Current bool
}

// Message is one bubble of a conversation.
type Message struct {
	Text string
	From string // who, office, when
	Mine bool
}

var hours = regexp.MustCompile(`\d{1,2}\.\d{2}\s?[-–]\s?\d{1,2}\.\d{2}`)

type textPart struct {
	text  string
	hours bool
}

// splitTexts keeps what splitHours made of the addresses and hours that stand on
// every page of a commune.
var splitTexts = newSplitTexts()

func newSplitTexts() *lru.Cache[string, []textPart] {
	c, err := lru.New[string, []textPart](1024)
	if err != nil {
		panic(err) // only a size below one
	}
	return c
}

// splitHours separates the hours of a text from the words around them.
func splitHours(text string) []textPart {
	if known, ok := splitTexts.Get(text); ok {
		return known
	}
	out := split(text)
	splitTexts.Add(text, out)
	return out
}

func split(text string) []textPart {
	var out []textPart
	at := 0
	for _, m := range hours.FindAllStringIndex(text, -1) {
		if m[0] > at {
			out = append(out, textPart{text[at:m[0]], false})
		}
		out = append(out, textPart{text[m[0]:m[1]], true})
		at = m[1]
	}
	if at < len(text) {
		out = append(out, textPart{text[at:], false})
	}
	return out
}
