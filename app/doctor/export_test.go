package doctor

// Names are the names of all checks, for the test that each has a case.
func Names() []string {
	out := []string{"answers"}
	for _, table := range [][]check{ofDeployment, ofDirectory, ofCluster, ofCommune} {
		for _, c := range table {
			out = append(out, c.name)
		}
	}
	return out
}
