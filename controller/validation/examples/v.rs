fn main() {
    if std::env::args().nth(1).as_deref() == Some("--json") {
        let c = validation::check("dev.yaml", &std::fs::read("dev.yaml").unwrap());
        println!(
            "{:?}",
            c.diagnostics
                .iter()
                .map(|d| format!("{} {d}", d.severity))
                .collect::<Vec<_>>()
        );
        return;
    }
    for f in std::env::args().skip(1) {
        let b = std::fs::read(&f).unwrap();
        let c = validation::check(&f, &b);
        let t = String::from_utf8_lossy(&b);
        println!("{}", validation::render(&c.diagnostics, &t, false));
        for d in &c.diagnostics {
            println!("{d}")
        }
        println!("{} valid={} name={:?}", f, c.is_valid(), c.name);
    }
    for f in schema::generated::files().unwrap() {
        std::fs::write(format!("/work/main/{}", f.path), f.content).unwrap();
    }
}
