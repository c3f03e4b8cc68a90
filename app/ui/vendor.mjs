// Refreshes the vendored front-end files from npm, as listed in
// assets/vendor/MANIFEST.json. Run in app/ui:
//
//	node vendor.mjs            take the versions of the manifest again
//	node vendor.mjs NAME@VER   move one package to another version first
//
// Every file is written anew and its SHA-256 noted; a test compares them.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const path = "assets/vendor/MANIFEST.json";
const manifest = JSON.parse(readFileSync(path, "utf8"));
const wanted = process.argv[2];
if (wanted) {
  const at = wanted.lastIndexOf("@");
  const pkg = manifest.packages.find((p) => p.name === wanted.slice(0, at));
  if (!pkg) throw new Error(`${wanted} is not in the manifest`);
  pkg.version = wanted.slice(at + 1);
}
for (const pkg of manifest.packages) {
  const dir = mkdtempSync(join(tmpdir(), "vendor-"));
  const tar = execFileSync("npm", ["pack", "--silent", "--pack-destination", dir, `${pkg.name}@${pkg.version}`], { encoding: "utf8" }).trim();
  execFileSync("tar", ["xzf", join(dir, tar), "-C", dir]);
  for (const file of pkg.files) {
    const data = readFileSync(join(dir, "package", file.from));
    writeFileSync(file.to, data);
    file.sha256 = createHash("sha256").update(data).digest("hex");
  }
  rmSync(dir, { recursive: true });
}
writeFileSync(path, JSON.stringify(manifest, null, 2) + "\n");
