package catalogue

import (
	"encoding/json"
	"net/http"
	"sync"

	"github.com/sportello-ticino/sportello/app/web"
)

var schemaOnce = sync.OnceValues(Schema)

// apiServiceSchema is GET /api/v1/schemas/service.json: the JSON Schema
// 2020-12 that a service's file follows.
func apiServiceSchema(r *web.Request) error {
	schema, err := schemaOnce()
	if err != nil {
		return err
	}
	return r.JSON(http.StatusOK, json.RawMessage(schema))
}
