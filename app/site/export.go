package site

import (
	"github.com/goccy/go-yaml"

	"github.com/sportello-ticino/sportello/app/tenancy"
)

// Export reads a commune's face as it is in force, console's changes included, and
// gives the files of its folder: what ReadFolder reads again.
func Export(tx *tenancy.Tx) (map[string][]byte, error) {
	var f Folder
	var mark string
	for key, into := range map[string]any{keyProfile: &f.Profile, keyBrand: &f.Brand, keyMark: &mark} {
		if _, err := get(tx, key, into); err != nil {
			return nil, err
		}
	}
	t := tx.Tenant()
	head, err := yaml.Marshal(yaml.MapSlice{
		{Key: "slug", Value: t.Slug()}, {Key: "name", Value: t.Name()}, {Key: "ref_prefix", Value: t.RefPrefix()},
		{Key: "bfs_number", Value: t.BFS()}, {Key: "inhabitants", Value: t.Inhabitants()}, {Key: "hosts", Value: t.Hosts()},
	})
	if err != nil {
		return nil, err
	}
	profile, err := yaml.Marshal(f.Profile)
	if err != nil {
		return nil, err
	}
	brand, err := yaml.Marshal(f.Brand)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{"tenant.yaml": append(head, profile...), "brand/theme.yaml": brand, "brand/mark.svg": []byte(mark)}, nil
}
