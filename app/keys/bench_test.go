package keys_test

import (
	"bytes"
	"testing"

	"github.com/sportello-ticino/sportello/app/tenancy/tenancytest"
)

func BenchmarkColumn(b *testing.B) {
	e := tenancytest.New(b)
	k := of(b, e.Keys, e.Lugano)
	bench(b, []byte("756.9217.0769.85"), k.Seal, k.Open)
	b.Run("index", func(b *testing.B) {
		for b.Loop() {
			if _, err := k.Index("7569217076985", "residents"); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkFile(b *testing.B) {
	e := tenancytest.New(b)
	k := of(b, e.Keys, e.Lugano)
	bench(b, bytes.Repeat([]byte{7}, 1<<20), k.Seal, k.Open)
}

func bench(b *testing.B, plain []byte, seal, open func([]byte, string) ([]byte, error)) {
	sealed, err := seal(plain, "place")
	if err != nil {
		b.Fatal(err)
	}
	for name, f := range map[string]func() ([]byte, error){
		"seal": func() ([]byte, error) { return seal(plain, "place") },
		"open": func() ([]byte, error) { return open(sealed, "place") },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(plain)))
			for b.Loop() {
				if _, err := f(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
