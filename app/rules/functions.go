package rules

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/money"
)

var errNotDecimal = errors.New("not a finite number")

// times multiplies an amount in centimes by a quantity, decimally: 12.5 m² at
// CHF 0.35 are 437.5 centimes, rounded half up to 438.
func times(centimes int64, quantity *big.Rat) (int64, error) {
	product := new(big.Rat).Mul(new(big.Rat).SetInt64(centimes), quantity)
	return roundHalfUp(product)
}

// percent is a share of an amount in centimes, rounded half up to a centime.
func percent(centimes int64, share *big.Rat) (int64, error) {
	product := new(big.Rat).Mul(new(big.Rat).SetInt64(centimes), share)
	return roundHalfUp(product.Quo(product, big.NewRat(100, 1)))
}

func roundHalfUp(r *big.Rat) (int64, error) {
	sign := int64(r.Sign())
	num, den := new(big.Int).Abs(r.Num()), r.Denom()
	num.Mul(num, big.NewInt(2)).Add(num, den)
	num.Quo(num, new(big.Int).Mul(den, big.NewInt(2)))
	if !num.IsInt64() || num.Int64() > int64(money.Max) {
		return 0, money.ErrRange
	}
	return sign * num.Int64(), nil
}

// decimal reads a double as the number its digits say: 0.1 is a tenth.
func decimal(f float64) (*big.Rat, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) || math.Abs(f) > 1e12 {
		return nil, errNotDecimal
	}
	r, ok := new(big.Rat).SetString(strconv.FormatFloat(f, 'f', -1, 64))
	if !ok {
		return nil, errNotDecimal
	}
	return r, nil
}

func functions(cal Calendar) []cel.EnvOption {
	ts, in, db, st, bo := cel.TimestampType, cel.IntType, cel.DoubleType, cel.StringType, cel.BoolType
	return []cel.EnvOption{
		cel.Function("day", cel.Overload("day_string", []*cel.Type{st}, ts, cel.UnaryBinding(func(v ref.Val) ref.Val {
			t, err := time.ParseInLocation(time.DateOnly, string(v.(types.String)), i18n.Zurich)
			if err != nil {
				return types.NewErr("day: %q is not a day like 2026-03-14", string(v.(types.String)))
			}
			return types.Timestamp{Time: t}
		}))),
		cel.Function("unset", cel.Overload("unset_timestamp", []*cel.Type{ts}, bo, cel.UnaryBinding(func(v ref.Val) ref.Val {
			return types.Bool(v.(types.Timestamp).IsZero())
		}))),
		cel.Function("clock", cel.Overload("clock_string", []*cel.Type{st}, in, cel.UnaryBinding(func(v ref.Val) ref.Val {
			minutes, err := ParseClock(string(v.(types.String)))
			if err != nil {
				return types.WrapErr(err)
			}
			return types.Int(minutes)
		}))),
		cel.Function(totalFunction,
			cel.Overload("total_list_int", []*cel.Type{cel.ListType(in)}, in, cel.UnaryBinding(totalInt)),
			cel.Overload("total_list_double", []*cel.Type{cel.ListType(db)}, db, cel.UnaryBinding(totalDouble))),
		twoDays("days", func(a, b time.Time) int64 { return Days(a, b) }),
		twoDays("years", func(a, b time.Time) int64 { return Years(a, b) }),
		twoDays("working_days", func(a, b time.Time) int64 { return WorkingDays(cal, a, b) }),
		cel.Function("plus_days", cel.Overload("plus_days_timestamp_int", []*cel.Type{ts, in}, ts,
			cel.BinaryBinding(func(a, b ref.Val) ref.Val {
				n := int64(b.(types.Int))
				if n > 100_000 || n < -100_000 {
					return types.NewErr("plus_days: %d days are too many", n)
				}
				return types.Timestamp{Time: plusDays(a.(types.Timestamp).Time, n)}
			}))),
		cel.Function("plus_working_days", cel.Overload("plus_working_days_timestamp_int", []*cel.Type{ts, in}, ts,
			cel.BinaryBinding(func(a, b ref.Val) ref.Val {
				return types.Timestamp{Time: PlusWorkingDays(cal, a.(types.Timestamp).Time, int64(b.(types.Int)))}
			}))),
		cel.Function("times",
			cel.Overload("times_int_int", []*cel.Type{in, in}, in, cel.BinaryBinding(reckon(times))),
			cel.Overload("times_int_double", []*cel.Type{in, db}, in, cel.BinaryBinding(reckon(times)))),
		cel.Function("percent",
			cel.Overload("percent_int_int", []*cel.Type{in, in}, in, cel.BinaryBinding(reckon(percent))),
			cel.Overload("percent_int_double", []*cel.Type{in, db}, in, cel.BinaryBinding(reckon(percent)))),
		cel.Function("round5", cel.Overload("round5_int", []*cel.Type{in}, in, cel.UnaryBinding(func(v ref.Val) ref.Val {
			return types.Int(money.CHF(v.(types.Int)).Round5())
		}))),
		cel.Function("at_least", cel.Overload("at_least_int_int", []*cel.Type{in, in}, in,
			cel.BinaryBinding(func(a, b ref.Val) ref.Val { return max(a.(types.Int), b.(types.Int)) }))),
		cel.Function("at_most", cel.Overload("at_most_int_int", []*cel.Type{in, in}, in,
			cel.BinaryBinding(func(a, b ref.Val) ref.Val { return min(a.(types.Int), b.(types.Int)) }))),
	}
}

func twoDays(name string, count func(a, b time.Time) int64) cel.EnvOption {
	ts := cel.TimestampType
	return cel.Function(name, cel.Overload(name+"_timestamp_timestamp", []*cel.Type{ts, ts}, cel.IntType,
		cel.BinaryBinding(func(a, b ref.Val) ref.Val {
			return types.Int(count(a.(types.Timestamp).Time, b.(types.Timestamp).Time))
		})))
}

// reckon makes a binding of an amount and an int or double.
func reckon(f func(int64, *big.Rat) (int64, error)) func(a, b ref.Val) ref.Val {
	return func(a, b ref.Val) ref.Val {
		var quantity *big.Rat
		switch n := b.(type) {
		case types.Int:
			quantity = new(big.Rat).SetInt64(int64(n))
		case types.Double:
			r, err := decimal(float64(n))
			if err != nil {
				return types.WrapErr(err)
			}
			quantity = r
		default:
			return types.WrapErr(fmt.Errorf("quantity of type %s", b.Type()))
		}
		out, err := f(int64(a.(types.Int)), quantity)
		if err != nil {
			return types.WrapErr(err)
		}
		return types.Int(out)
	}
}
