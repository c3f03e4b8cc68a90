// Checks Turtle files against SHACL shapes and says which shapes had something to
// check and which had not.
//
//	node check.mjs <shapes.ttl> <data.ttl>...
//
// Concepts that the data only names (a currency, a language of an authority's list)
// are looked up nowhere: each gets the statement that it is a concept, in the
// checked copy alone, and how many those are is said.
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import N3 from "n3";
import SHACLValidator from "rdf-validate-shacl";

const { namedNode, quad } = N3.DataFactory;
const SH = "http://www.w3.org/ns/shacl#";
const TYPE = namedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type");
const CONCEPT = namedNode("http://www.w3.org/2004/02/skos/core#Concept");
const sh = (name) => namedNode(SH + name);
const short = (iri) => iri.replace(/^.*[#/]/, "");

const read = (file) => new N3.Store(new N3.Parser().parse(readFileSync(file, "utf8")));

const [shapesFile, ...files] = process.argv.slice(2);
if (!shapesFile || files.length === 0) {
  console.error("usage: node check.mjs <shapes.ttl> <data.ttl>...");
  process.exit(2);
}
const shapes = read(shapesFile);
const validator = new SHACLValidator(shapes);

// What is known only by name where a concept is asked for becomes one.
function completed(data) {
  let stubs = 0;
  for (const { subject: property } of shapes.match(null, sh("class"), CONCEPT)) {
    for (const { object: path } of shapes.match(property, sh("path"))) {
      for (const { object } of data.match(null, path)) {
        if (object.termType !== "NamedNode" || data.has(quad(object, TYPE, CONCEPT)) || data.match(object).size > 0) continue;
        data.add(quad(object, TYPE, CONCEPT));
        stubs++;
      }
    }
  }
  return stubs;
}

async function violations(data) {
  const report = await validator.validate(data);
  return [...report.results].map((r) => {
    const why = [...(r.message || [])].map((m) => m.value).join("; ");
    return `${r.focusNode?.value} · ${short(r.path?.value || "")} · ${short(r.sourceConstraintComponent?.value || "")} ${why}`;
  });
}

let bad = 0;
const applied = new Map(); // shape → focus nodes, over all files
const used = new Map(); // shape → property shapes that had a value
for (const file of files) {
  const data = read(file);
  const stubs = completed(data);
  for (const { subject: shape, object: target } of shapes.match(null, sh("targetClass"))) {
    const nodes = [...data.match(null, TYPE, target)].map((q) => q.subject);
    applied.set(shape.value, (applied.get(shape.value) || 0) + nodes.length);
    const props = used.get(shape.value) || new Set();
    for (const { object: property } of shapes.match(shape, sh("property"))) {
      for (const { object: path } of shapes.match(property, sh("path"))) {
        if (nodes.some((n) => data.match(n, path).size > 0)) props.add(path.value);
      }
    }
    used.set(shape.value, props);
  }
  const found = await violations(data);
  bad += found.length;
  console.log(`${basename(file)}: ${data.size} statements, ${stubs} concepts known only by name, ${found.length} violations`);
  for (const line of found) console.log("  " + line);

  // A check that finds nothing must be able to find something.
  const title = [...data.match(null, namedNode("http://purl.org/dc/terms/title"))].find((q) =>
    data.has(quad(q.subject, TYPE, namedNode("http://purl.org/vocab/cpsv#PublicService"))));
  if (!title) {
    console.log("  no service with a title");
    bad++;
    continue;
  }
  const broken = new N3.Store([...data].filter((q) => !(q.subject.equals(title.subject) && q.predicate.equals(title.predicate))));
  if ((await violations(broken)).length <= found.length) {
    console.log("  a service without its title was not noticed: the check checks nothing");
    bad++;
  }
}
const known = [...applied].sort(([a], [b]) => (short(a) < short(b) ? -1 : 1));
console.log("\nshapes that apply:");
for (const [shape, n] of known.filter(([, n]) => n > 0)) {
  const paths = new Set([...shapes.match(namedNode(shape), sh("property"))].flatMap((q) => [...shapes.match(q.object, sh("path"))].map((p) => p.object.value)));
  const rest = [...paths].filter((p) => !used.get(shape).has(p)).map(short).sort();
  console.log(`  ${short(shape)}: ${n} things, ${used.get(shape).size} of ${paths.size} properties used${rest.length ? "; not used: " + rest.join(", ") : ""}`);
}
console.log("\nshapes that do not apply, for the data has no such thing:");
console.log("  " + (known.filter(([, n]) => n === 0).map(([shape]) => short(shape)).join(", ") || "none"));
process.exit(bad > 0 ? 1 : 0);
