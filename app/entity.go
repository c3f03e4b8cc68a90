package app

import (
	"context"

	"github.com/sportello-ticino/sportello/app/meters"
	"github.com/sportello-ticino/sportello/pkg/config"
)

// Meters lists what the modules declare for the cost statement.
func Meters() ([]meters.Meter, error) {
	a, err := unconnected()
	if err != nil {
		return nil, err
	}
	defer a.Close()
	return a.Meters.All(), nil
}

// unconnected is the product without anything to connect to: enough to list
// what it consists of.
func unconnected() (*App, error) {
	cfg, err := config.Load([]string{"SPORTELLO_DEMO=true", "SPORTELLO_DATABASE_URL=postgres://nobody@127.0.0.1:1/none", "SPORTELLO_REDIS_URL=redis://127.0.0.1:1",
		"SPORTELLO_BLOB_URL=mem://", "SPORTELLO_MASTER_KEY=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="})
	if err != nil {
		return nil, err
	}
	return New(context.Background(), cfg, Options{})
}
