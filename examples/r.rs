use dockwright::project::*;
fn main() {
    let stack = std::env::args().nth(1).unwrap();
    let out = std::env::args().nth(2).unwrap();
    let s = dockwright::stacks::find(&stack).unwrap();
    let p = Project {
        service: Service { name: ServiceName::parse("orders", &[]).unwrap(), stack: stack.clone(), kind: ServiceKind::Web, port: None, command: None, manager: None, layout: if std::env::args().nth(3).is_some() {Layout::PerRole} else {Layout::Single} },
        images: Images::default(),
        roles: Roles::default(),
        deployments: vec![Deployment { name: DeploymentName::parse("production").unwrap(), env: vec![(EnvName::parse("APP_ENV").unwrap(), EnvValue::parse("production").unwrap())], secrets: vec![EnvName::parse("DATABASE_PASSWORD").unwrap()] }],
        verify: Verify::default(),
    };
    let _ = s;
    let mut files = dockwright::render::scaffold(&p);
    let fill = |t: &str| t.replace("starter-service", "orders").replace("starter_service", "orders").replace("Starter Service","Orders");
    for (path, c) in dockwright::stacks::starter(&stack, s.manager()) {
        files.push(dockwright::render::File { path: fill(&path), contents: fill(std::str::from_utf8(c).unwrap()).into_bytes(), executable: false, role: None });
    }
    dockwright::write::new_tree(std::path::Path::new(&out), &files).unwrap();
}
