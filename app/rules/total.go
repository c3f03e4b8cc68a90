package rules

import (
	"fmt"
	"math/big"
	"regexp"
	"strconv"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// totalFunction adds the members of a list. Its name cannot be written in a
// rule: rules say list.total(x, expression).
const totalFunction = "@total"

// totalMacro reads answers.lines.total(x, x.amount * x.pieces): the sum of an
// expression over the items of a group, 0 without items.
var totalMacro = cel.ReceiverMacro("total", 2, func(eh cel.MacroExprFactory, target ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
	if args[0].Kind() != ast.IdentKind {
		return nil, eh.NewError(args[0].ID(), "total(x, expression): x must be a name")
	}
	step := eh.NewCall(operators.Add, eh.NewAccuIdent(), eh.NewList(args[1]))
	list := eh.NewComprehension(target, args[0].AsIdent(), eh.AccuIdentName(), eh.NewList(), eh.NewLiteral(types.True), step, eh.NewAccuIdent())
	return eh.NewCall(totalFunction, list), nil
})

// sum adds what each reads of every member of a list.
func sum(list ref.Val, read func(ref.Val) (*big.Rat, error)) (*big.Rat, error) {
	out := new(big.Rat)
	for it := list.(traits.Lister).Iterator(); it.HasNext() == types.True; {
		n, err := read(it.Next())
		if err != nil {
			return nil, err
		}
		out.Add(out, n)
	}
	return out, nil
}

func totalInt(list ref.Val) ref.Val {
	out, err := sum(list, func(v ref.Val) (*big.Rat, error) { return new(big.Rat).SetInt64(int64(v.(types.Int))), nil })
	if err != nil {
		return types.WrapErr(err)
	}
	if !out.Num().IsInt64() {
		return types.NewErr("total: the sum is too large")
	}
	return types.Int(out.Num().Int64())
}

// totalDouble adds decimally: 0.1 + 0.2 is 0.3.
func totalDouble(list ref.Val) ref.Val {
	out, err := sum(list, func(v ref.Val) (*big.Rat, error) { return decimal(float64(v.(types.Double))) })
	if err != nil {
		return types.WrapErr(err)
	}
	f, _ := out.Float64()
	return types.Double(f)
}

// clockForm takes 08.30, 8:30, 8h30, 0830, 830 and 8.
var clockForm = regexp.MustCompile(`^(\d{1,2})(?:\s*[.:hH]\s*(\d{2})|(\d{2})|\s*[hH]?)$`)

// ParseClock reads a time of day as people write it, in minutes since midnight:
// 08.30, 8:30, 8h30, 0830, and 8 for a full hour.
func ParseClock(text string) (int64, error) {
	m := clockForm.FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("clock: %q is no time like 08.30", text)
	}
	hours, _ := strconv.ParseInt(m[1], 10, 64)
	minutes, _ := strconv.ParseInt(m[2]+m[3], 10, 64)
	if hours > 23 || minutes > 59 {
		return 0, fmt.Errorf("clock: %q is no time like 08.30", text)
	}
	return hours*60 + minutes, nil
}
