package problem

// ContentType is the media type of a Document (RFC 9457, section 3).
const ContentType = "application/problem+json"

// Document is an Error as machines read it: RFC 9457 members, plus code and
// fields as extension members. The texts are translated by whoever renders it.
type Document struct {
	Type     string         `json:"type"`               // "about:blank": Code says more than an address would
	Title    string         `json:"title"`              // the sentence of Key
	Status   int            `json:"status"`             // same as the response's
	Detail   string         `json:"detail,omitempty"`   // more about this occurrence
	Instance string         `json:"instance,omitempty"` // the request id, as "urn:request:<id>"
	Code     string         `json:"code"`
	Fields   []FieldProblem `json:"fields,omitempty"`
}

// FieldProblem says what is wrong with one field of the request.
type FieldProblem struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}
