package rules

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/env"
	"cel.dev/cel-go/common/types"
)

// Limits of one rule. Costs are CEL's units, roughly one per operation and one
// per ten characters scanned.
const (
	maxLength   = 2000   // characters of an expression
	maxNodes    = 400    // nodes of its tree, macros expanded
	maxDepth    = 40     // nesting
	maxEstimate = 50_000 // worst cost the checker may foresee
	maxCost     = 100_000
	deadline    = 50 * time.Millisecond
	// What the checker assumes of the inputs; the forms keep answers below.
	maxText = 10_000
	maxList = 100
)

// ErrRule is wrapped by every refusal of an expression.
var ErrRule = errors.New("rule refused")

// ErrEvaluation is wrapped when a rule that compiled fails on its inputs.
var ErrEvaluation = errors.New("rule failed")

// Engine compiles rules for one calendar. It is safe for many goroutines.
type Engine struct {
	calendar Calendar
	base     *cel.Env
}

// NewEngine makes an engine whose working days follow cal.
func NewEngine(cal Calendar) (*Engine, error) {
	std := env.NewLibrarySubset().
		// matches compiles regular expressions at run time; the rest of the
		// macros build lists or nest, which no rule of a service needs.
		AddExcludedFunctions(env.NewFunction("matches")).
		AddIncludedMacros("has", "all", "exists")
	options := []cel.EnvOption{
		cel.StdLib(cel.StdLibSubset(std)),
		cel.CrossTypeNumericComparisons(true),
		cel.ParserExpressionSizeLimit(maxLength),
		cel.ParserRecursionLimit(maxDepth),
		cel.ExpressionNestingDepthLimit(maxDepth),
		cel.ExpressionNodeLimit(maxNodes),
		cel.ParserErrorRecoveryLimit(0),
		cel.Macros(totalMacro),
		cel.ASTValidators(cel.ValidateComprehensionNestingLimit(1), cel.ValidateTimestampLiterals(), cel.ValidateDurationLiterals()),
	}
	for _, v := range common {
		options = append(options, cel.Variable(v.name, v.typ))
	}
	base, err := cel.NewCustomEnv(append(options, functions(cal)...)...)
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	return &Engine{calendar: cal, base: base}, nil
}

// Calendar is the calendar the engine reckons working days by.
func (e *Engine) Calendar() Calendar { return e.calendar }

// Scope is the set of names the rules of one service may use.
type Scope struct {
	env      *cel.Env
	names    Names
	calendar Calendar
	item     map[string]Type // of a scope inside a group: the names after "item."
}

// Scope extends the common names by those of a service.
func (e *Engine) Scope(names Names) (*Scope, error) {
	options, err := declarations(names)
	if err != nil {
		return nil, err
	}
	if len(names.Groups) > 0 {
		options = append(options, cel.CustomTypeProvider(provider{e.base.CELTypeProvider(), names.Groups}))
	}
	extended, err := e.base.Extend(options...)
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	return &Scope{env: extended, names: names, calendar: e.calendar}, nil
}

// Item is the scope of the conditions inside a group: they read the item's own
// answers as item.<field> beside all that s knows.
func (s *Scope) Item(group string) (*Scope, error) {
	fields, known := s.names.Groups[group]
	if !known {
		return nil, fmt.Errorf("rules: there is no group %q", group)
	}
	var options []cel.EnvOption
	for _, field := range sortedKeys(fields) {
		declareAnswer("item."+field, fields[field], func(name string, typ *cel.Type) { options = append(options, cel.Variable(name, typ)) })
	}
	extended, err := s.env.Extend(options...)
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	return &Scope{env: extended, names: s.names, calendar: s.calendar, item: fields}, nil
}

// SetItem gives an answer of the item at hand its value, nil for none.
func (s *Scope) SetItem(values Values, field string, value any) error {
	return bindAnswer(values, "item."+field, s.item[field], value, today(values))
}

// NewItem forgets the answers of the item before.
func (s *Scope) NewItem(values Values) error {
	for field := range s.item {
		if err := s.SetItem(values, field, nil); err != nil {
			return err
		}
	}
	return nil
}

// Rule is a compiled expression.
type Rule struct {
	source  string
	program cel.Program
	reads   []string
}

// Source is the expression as written.
func (r *Rule) Source() string { return r.source }

// Reads lists the names the rule reads, sorted: "answers.copies", "today".
func (r *Rule) Reads() []string { return r.reads }

// Condition compiles an expression that is true or false.
func (s *Scope) Condition(expression string) (*Rule, error) {
	return s.compile(expression, cel.BoolType)
}

// Amount compiles an expression that is a number of centimes.
func (s *Scope) Amount(expression string) (*Rule, error) {
	return s.compile(expression, cel.IntType)
}

// Word compiles an expression that is a text.
func (s *Scope) Word(expression string) (*Rule, error) {
	return s.compile(expression, cel.StringType)
}

// Day compiles an expression that is a day.
func (s *Scope) Day(expression string) (*Rule, error) {
	return s.compile(expression, cel.TimestampType)
}

func (s *Scope) compile(expression string, want *cel.Type) (*Rule, error) {
	if len(expression) > maxLength {
		return nil, fmt.Errorf("%w: %d characters, at most %d", ErrRule, len(expression), maxLength)
	}
	checked, issues := s.env.Compile(expression)
	if issues.Err() != nil {
		return nil, complaint(issues)
	}
	if got := checked.OutputType(); !got.IsExactType(want) {
		return nil, fmt.Errorf("%w: %q is %s, %s was expected", ErrRule, expression, got, want)
	}
	estimate, err := s.env.EstimateCost(checked, sizes{})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRule, err)
	}
	if estimate.Max > maxEstimate {
		return nil, fmt.Errorf("%w: %q may cost %d, at most %d", ErrRule, expression, estimate.Max, maxEstimate)
	}
	program, err := s.env.Program(checked,
		cel.EvalOptions(cel.OptOptimize), cel.CostLimit(maxCost), cel.InterruptCheckFrequency(100))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRule, err)
	}
	return &Rule{source: expression, program: program, reads: reads(checked.NativeRep())}, nil
}

func reads(tree *ast.AST) []string {
	var names []string
	for _, reference := range tree.ReferenceMap() {
		if reference.Name != "" && reference.Value == nil {
			names = append(names, reference.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Holds evaluates a condition.
func (r *Rule) Holds(ctx context.Context, values Values) (bool, error) {
	return evalAs[bool](ctx, r, values)
}

// Centimes evaluates an amount.
func (r *Rule) Centimes(ctx context.Context, values Values) (int64, error) {
	return evalAs[int64](ctx, r, values)
}

// Text evaluates a text.
func (r *Rule) Text(ctx context.Context, values Values) (string, error) {
	return evalAs[string](ctx, r, values)
}

// When evaluates a day; the zero time is none.
func (r *Rule) When(ctx context.Context, values Values) (time.Time, error) {
	return evalAs[time.Time](ctx, r, values)
}

func evalAs[T any](ctx context.Context, r *Rule, values Values) (T, error) {
	var none T
	out, err := r.eval(ctx, values)
	if err != nil {
		return none, err
	}
	typed, ok := out.(T)
	if !ok {
		return none, fmt.Errorf("%w: %q gave %T", ErrEvaluation, r.source, out)
	}
	return typed, nil
}

func (r *Rule) eval(ctx context.Context, values Values) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	out, _, err := r.program.ContextEval(ctx, map[string]any(values))
	if err != nil {
		return nil, fmt.Errorf("%w: %q: %w", ErrEvaluation, r.source, err)
	}
	if types.IsUnknownOrError(out) {
		return nil, fmt.Errorf("%w: %q: %v", ErrEvaluation, r.source, out)
	}
	return out.Value(), nil
}

// sizes tells the checker how large texts and lists can be.
type sizes struct{}

func (sizes) EstimateSize(node cost.AstNode) *cost.SizeEstimate {
	switch node.Type().Kind() {
	case types.StringKind:
		return &cost.SizeEstimate{Min: 0, Max: maxText}
	case types.ListKind:
		return &cost.SizeEstimate{Min: 0, Max: maxList}
	default:
		return nil
	}
}

func (sizes) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
