((only) => axe.run(document, { runOnly: only, resultTypes: ["violations"] })
  .then((r) => r.violations.map((v) => "axe " + v.id + " (" + v.help + ") at " +
    v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160) + " " + (n.any[0]?.message || "")).join(" | "))))
