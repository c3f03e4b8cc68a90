package check_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

const chartDir = "../helm/sportello"

var examples = []string{"small", "clusters", "gateway"}

func load(t *testing.T) *chart.Chart {
	t.Helper()
	c, err := loader.Load(chartDir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func values(t *testing.T, name string) map[string]any {
	t.Helper()
	v, err := chartutil.ReadValuesFile(filepath.Join("../helm/examples", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func render(c *chart.Chart, v map[string]any) (map[string]string, error) {
	options := chartutil.ReleaseOptions{Name: "desk", Namespace: "sportello", Revision: 1, IsInstall: true}
	all, err := chartutil.ToRenderValues(c, v, options, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	return engine.Render(c, all)
}

// TestChartIsClean is `helm lint` with every example.
func TestChartIsClean(t *testing.T) {
	for _, name := range examples {
		for _, m := range lint.All(chartDir, values(t, name), "sportello", true).Messages {
			if m.Severity > support.InfoSev {
				t.Errorf("%s: %s", name, m)
			}
		}
	}
}

// rendered are a release's objects, by kind and name.
type rendered struct {
	deployments map[string]*appsv1.Deployment
	jobs        map[string]*batchv1.Job
	policies    map[string]*networkingv1.NetworkPolicy
	ingresses   map[string]*networkingv1.Ingress
	claims      map[string]*corev1.PersistentVolumeClaim
	budgets     map[string]*policyv1.PodDisruptionBudget
	others      map[string]map[string]any
	kinds       []string
}

// decode reads one example's objects strictly: an unknown or a doubled field is
// an error, as the API server would have it.
func decode(t *testing.T, name string) rendered {
	t.Helper()
	files, err := render(load(t), values(t, name))
	if err != nil {
		t.Fatal(err)
	}
	r := rendered{map[string]*appsv1.Deployment{}, map[string]*batchv1.Job{}, map[string]*networkingv1.NetworkPolicy{}, map[string]*networkingv1.Ingress{},
		map[string]*corev1.PersistentVolumeClaim{}, map[string]*policyv1.PodDisruptionBudget{}, map[string]map[string]any{}, nil}
	for file, text := range files {
		if !strings.HasSuffix(file, ".yaml") {
			continue
		}
		docs := utilyaml.NewYAMLReader(newReader(text))
		for {
			doc, err := docs.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			if len(bytes.TrimSpace(withoutComments(doc))) > 0 {
				r.add(t, file, doc)
			}
		}
	}
	slices.Sort(r.kinds)
	return r
}

func (r *rendered) add(t *testing.T, file string, doc []byte) {
	t.Helper()
	var head struct {
		Kind     string `json:"kind"`
		Metadata struct {
			Name string `json:"name"`
		} `json:"metadata"`
	}
	if err := yaml.Unmarshal(doc, &head); err != nil {
		t.Fatalf("%s: %v\n%s", file, err, doc)
	}
	n := head.Metadata.Name
	var into any
	switch head.Kind {
	case "Deployment":
		r.deployments[n] = &appsv1.Deployment{}
		into = r.deployments[n]
	case "Job":
		r.jobs[n] = &batchv1.Job{}
		into = r.jobs[n]
	case "NetworkPolicy":
		r.policies[n] = &networkingv1.NetworkPolicy{}
		into = r.policies[n]
	case "Ingress":
		r.ingresses[n] = &networkingv1.Ingress{}
		into = r.ingresses[n]
	case "PersistentVolumeClaim":
		r.claims[n] = &corev1.PersistentVolumeClaim{}
		into = r.claims[n]
	case "PodDisruptionBudget":
		r.budgets[n] = &policyv1.PodDisruptionBudget{}
		into = r.budgets[n]
	case "Service":
		into = &corev1.Service{}
	case "ServiceAccount":
		into = &corev1.ServiceAccount{}
	case "ConfigMap":
		into = &corev1.ConfigMap{}
	case "ServiceMonitor", "PrometheusRule", "HTTPRoute": // of others: their form is asserted by hand
		m := map[string]any{}
		r.others[head.Kind] = m
		into = &m
	default:
		t.Errorf("%s: a %q is not expected", file, head.Kind)
		return
	}
	if err := yaml.UnmarshalStrict(doc, into); err != nil {
		t.Errorf("%s: %s %s: %v\n%s", file, head.Kind, n, err, doc)
	}
	r.kinds = append(r.kinds, head.Kind)
}

func TestEveryExampleGivesValidObjects(t *testing.T) {
	for _, name := range examples {
		t.Run(name, func(t *testing.T) {
			r := decode(t, name)
			for _, d := range r.deployments {
				guarded(t, d.Name, d.Spec.Template)
				if !equal(d.Spec.Selector.MatchLabels, d.Spec.Template.Labels) {
					t.Errorf("%s does not select its own pods", d.Name)
				}
				needed(t, d)
			}
			for _, j := range r.jobs {
				guarded(t, j.Name, j.Spec.Template)
			}
			if j := r.jobs["desk-migrate"]; j == nil || j.Annotations["helm.sh/hook"] != "pre-install,pre-upgrade" || !slices.Equal(j.Spec.Template.Spec.Containers[0].Args, []string{"migrate", "up"}) {
				t.Errorf("nothing migrates before an upgrade: %+v", j)
			}
			for _, c := range []string{"serve", "worker", "provisioner"} {
				if r.deployments["desk-"+c] == nil {
					t.Errorf("there is no %s", c)
				}
			}
		})
	}
}

// guarded: no root, no writing to the image, nothing inherited.
func guarded(t *testing.T, name string, pod corev1.PodTemplateSpec) {
	t.Helper()
	s := pod.Spec.SecurityContext
	if s == nil || s.RunAsNonRoot == nil || !*s.RunAsNonRoot || s.SeccompProfile == nil || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Errorf("%s may run as root", name)
	}
	if pod.Spec.AutomountServiceAccountToken == nil || *pod.Spec.AutomountServiceAccountToken {
		t.Errorf("%s is handed a token of the cluster", name)
	}
	for _, c := range pod.Spec.Containers {
		s := c.SecurityContext
		if s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation ||
			s.Capabilities == nil || !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) {
			t.Errorf("%s: %s is not confined", name, c.Name)
		}
		if c.Resources.Requests.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() || c.Resources.Limits.Memory().IsZero() {
			t.Errorf("%s asks for no resources", name)
		}
		mounted := map[string]bool{}
		for _, v := range pod.Spec.Volumes {
			mounted[v.Name] = true
		}
		for _, m := range c.VolumeMounts {
			if !mounted[m.Name] {
				t.Errorf("%s mounts %s, which is no volume", name, m.Name)
			}
		}
	}
}

// needed: probes, and time enough to leave.
func needed(t *testing.T, d *appsv1.Deployment) {
	t.Helper()
	c := d.Spec.Template.Spec.Containers[0]
	env := environment(c)
	if c.ReadinessProbe == nil || c.ReadinessProbe.HTTPGet.Path != "/readyz" || c.LivenessProbe == nil || c.LivenessProbe.HTTPGet.Path != "/healthz" {
		t.Errorf("%s is not asked how it is", d.Name)
	}
	var drain, stop int
	if _, err := fmt.Sscanf(env["SPORTELLO_DRAIN_DELAY"]+" "+env["SPORTELLO_STOP_TIMEOUT"], "%ds %ds", &drain, &stop); err != nil {
		t.Fatal(err)
	}
	if grace := d.Spec.Template.Spec.TerminationGracePeriodSeconds; grace == nil || int(*grace) <= drain+stop {
		t.Errorf("%s is killed while it still finishes requests", d.Name)
	}
	p := c.ReadinessProbe
	if notice := int(p.PeriodSeconds * p.FailureThreshold); drain <= notice {
		t.Errorf("%s stops after %d s, and its going is noticed after %d s", d.Name, drain, notice)
	}
}

func environment(c corev1.Container) map[string]string {
	out := map[string]string{}
	for _, e := range c.Env {
		out[e.Name] = e.Value
		if e.ValueFrom != nil {
			out[e.Name] = e.ValueFrom.SecretKeyRef.Name + "/" + e.ValueFrom.SecretKeyRef.Key
		}
	}
	return out
}

// TestOnlyTheProvisionerHasTheOwnersCredential: what faces the web cannot create
// schemas, however many clusters there are.
func TestOnlyTheProvisionerHasTheOwnersCredential(t *testing.T) {
	for _, name := range examples {
		r := decode(t, name)
		owner := "sportello-owner"
		if name == "clusters" {
			owner = "desk-owner"
		}
		has := func(pod corev1.PodTemplateSpec) bool {
			text, err := yaml.Marshal(pod)
			if err != nil {
				t.Fatal(err)
			}
			return strings.Contains(string(text), owner) || strings.Contains(string(text), "SPORTELLO_OWNER_")
		}
		for _, d := range r.deployments {
			if got, want := has(d.Spec.Template), d.Name == "desk-provisioner"; got != want {
				t.Errorf("%s: %s has the owner's credential: %t", name, d.Name, got)
			}
		}
		if !has(r.jobs["desk-migrate"].Spec.Template) {
			t.Errorf("%s: migrate has no owner's credential", name)
		}
	}
}

func TestClustersAndDomainsReachTheObjects(t *testing.T) {
	r := decode(t, "clusters")
	env := environment(r.deployments["desk-provisioner"].Spec.Template.Spec.Containers[0])
	for name, want := range map[string]string{
		"SPORTELLO_DATABASE_CLUSTERS": "nord=$(CLUSTER_NORD) sud=$(CLUSTER_SUD)", "CLUSTER_SUD": "desk-runtime/cluster-sud",
		"SPORTELLO_OWNER_DATABASE_CLUSTERS": "nord=$(OWNER_CLUSTER_NORD) sud=$(OWNER_CLUSTER_SUD)", "OWNER_CLUSTER_NORD": "desk-owner/owner-cluster-nord",
		"SPORTELLO_SMTP_PASSWORD_FILE": "/run/secrets/runtime/smtp-password", "SPORTELLO_DATABASE_CONNECTIONS": "48",
	} {
		if env[name] != want {
			t.Errorf("%s is %q, not %q", name, env[name], want)
		}
	}
	// Kubernetes replaces $(NAME) only by what stands before it.
	order := map[string]int{}
	for i, e := range r.deployments["desk-serve"].Spec.Template.Spec.Containers[0].Env {
		order[e.Name] = i
	}
	if order["CLUSTER_SUD"] > order["SPORTELLO_DATABASE_CLUSTERS"] {
		t.Error("a cluster's address stands after the setting that names it")
	}
	ing := r.ingresses["desk"]
	var hosts, secrets []string
	for _, rule := range ing.Spec.Rules {
		hosts = append(hosts, rule.Host)
	}
	for _, tls := range ing.Spec.TLS {
		secrets = append(secrets, tls.SecretName)
	}
	if !slices.Equal(hosts, []string{"sportello.example", "*.sportello.example", "sportello.first.example", "desk.second.example"}) ||
		!slices.Equal(secrets, []string{"sportello-wildcard", "sportello-first-example", "desk-second-example"}) {
		t.Errorf("hosts %q with certificates %q", hosts, secrets)
	}
	if b := r.budgets["desk-serve"]; b == nil || b.Spec.MinAvailable.IntValue() != 3 {
		t.Errorf("budget %+v", b)
	}
	if len(r.claims) != 1 {
		t.Errorf("%d claims are made beside those that exist", len(r.claims))
	}
	for name, p := range r.policies {
		if name == "desk-migrate" && len(p.Spec.Ingress) > 0 || name == "desk-worker" && len(p.Spec.Ingress) != 1 || name == "desk-serve" && len(p.Spec.Ingress) != 2 {
			t.Errorf("%s lets in %+v", name, p.Spec.Ingress)
		}
		if len(p.Spec.PolicyTypes) != 2 || len(p.Spec.Egress) == 0 {
			t.Errorf("%s bounds %v", name, p.Spec.PolicyTypes)
		}
	}
	rule, err := yaml.Marshal(r.others["PrometheusRule"]["spec"])
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("../prometheus/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	if !sameYAML(t, rule, want) {
		t.Error("the rules of the chart are not those of ops/prometheus")
	}
	if n := strings.Count(strings.Join(r.kinds, " "), "ConfigMap"); n < 5 {
		t.Errorf("%d dashboards", n)
	}
	if route := decode(t, "gateway").others["HTTPRoute"]; route == nil || len(decode(t, "gateway").ingresses) > 0 {
		t.Errorf("route %v", route)
	}
}

// TestMistakesInValuesAreRefused reads the schema with values that cannot work.
func TestMistakesInValuesAreRefused(t *testing.T) {
	c := load(t)
	for name, change := range map[string]func(map[string]any){
		"no domain":                 func(v map[string]any) { delete(v, "baseDomain") },
		"no proxies":                func(v map[string]any) { v["trustedProxies"] = []any{} },
		"misspelt":                  func(v map[string]any) { v["replicaCount"] = 3 },
		"misspelt deeper":           func(v map[string]any) { v["serve"] = map[string]any{"replica": 3} },
		"owner in the settings":     func(v map[string]any) { v["settings"] = map[string]any{"SPORTELLO_OWNER_DATABASE_URL": "postgres://"} },
		"secret in the settings":    func(v map[string]any) { v["settings"] = map[string]any{"SPORTELLO_MASTER_KEY": "AAAA"} },
		"two provisioners":          func(v map[string]any) { v["provisioner"] = map[string]any{"replicas": 2} },
		"relay without a port":      func(v map[string]any) { v["mail"] = map[string]any{"smtpAddr": "relay.example"} },
		"cluster that has no name":  func(v map[string]any) { v["clusters"] = []any{"Nord Est"} },
		"name of a cluster doubled": func(v map[string]any) { v["clusters"] = []any{"nord", "nord"} },
	} {
		v := values(t, "small")
		change(v)
		if _, err := render(c, v); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := render(c, values(t, "small")); err != nil {
		t.Error(err)
	}
}
