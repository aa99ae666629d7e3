//! Shapes of repositories that broke `init` in the wild, each as small as it can be, and what their files have to say.

use std::fs;

use super::support::run;

struct Shape {
    about: &'static str,
    files: &'static [(&'static str, &'static str)],
    has: &'static [&'static str],
    lacks: &'static [&'static str],
}

const GO_MAIN: &str = "package main\n\nimport (\n\t\"net/http\"\n\n\t\"example.com/web/frame\"\n)\n\nfunc main() { http.ListenAndServe(\":8080\", frame.New()) }\n";
const POM: &str = "<project><modelVersion>4.0.0</modelVersion><parent><groupId>org.springframework.boot</groupId>\
<artifactId>spring-boot-starter-parent</artifactId><version>3.5.0</version></parent><artifactId>clinic</artifactId>\
<dependencies><dependency><artifactId>spring-boot-starter-web</artifactId></dependency><dependency><artifactId>h2</artifactId>\
<scope>runtime</scope></dependency><dependency><artifactId>postgresql</artifactId></dependency></dependencies></project>";
const POM_TEST: &str = "<project><modelVersion>4.0.0</modelVersion><parent><groupId>org.springframework.boot</groupId>\
<artifactId>spring-boot-starter-parent</artifactId><version>3.5.0</version></parent><artifactId>clinic</artifactId>\
<dependencies><dependency><artifactId>spring-boot-starter-web</artifactId></dependency><dependency><artifactId>h2</artifactId>\
<scope>test</scope></dependency><dependency><artifactId>postgresql</artifactId></dependency></dependencies></project>";
const SPRING_MAIN: &str =
    "package clinic;\n@SpringBootApplication\npublic class Clinic {\n  public static void main(String[] a) {}\n}\n";

const POETRY: &str = "[tool.poetry]\nname = \"a\"\n[tool.poetry.dependencies]\npython = \"^3.11\"\nfastapi = \"*\"\n";

const SHAPES: &[Shape] = &[
    Shape {
        about: "what is only required by others is no service, and a program may be called go-something",
        files: &[
            (
                "go.mod",
                "module example.com/go-hello\n\ngo 1.25\n\nrequire example.com/web/frame v1.0.0\n\nrequire (\n\tgo.mongodb.org/mongo-driver/v2 v2.5.0 // indirect\n\tgithub.com/lib/pq v1.10.9 // indirect\n)\n",
            ),
            ("main.go", GO_MAIN),
            ("Procfile", "web: go-hello\n"),
        ],
        has: &["command = [\"./go-hello\"]"],
        lacks: &["needs.mongo", "needs.postgres"],
    },
    Shape {
        about: "what the code imports is its own, whatever the comment says",
        files: &[
            ("go.mod", "module example.com/shop\n\ngo 1.25\n\nrequire github.com/lib/pq v1.10.9 // indirect\n"),
            (
                "main.go",
                "package main\n\nimport (\n\t\"os\"\n\n\t_ \"github.com/lib/pq\"\n)\n\nfunc main() { os.Getenv(\"DATABASE_URL\") }\n",
            ),
        ],
        has: &["[repository.needs.postgres]"],
        lacks: &[],
    },
    Shape {
        about: "a script that first says where it writes",
        files: &[
            ("go.mod", "module example.com/api\n\ngo 1.25\n"),
            ("cmd/server/main.go", "package main\n\nfunc main() {}\n"),
            (
                "entrypoint.sh",
                "#!/bin/bash -e\nexec > >(tee -a /var/log/app/entry.log|logger -t server) 2>&1\necho starting\nCONFIG=./config/${APP_ENV:-local}.yml\n./server -config ${CONFIG} >> /var/log/server.log 2>&1\n",
            ),
            (
                "Dockerfile",
                "FROM golang:1.25 AS build\nCOPY . .\nRUN go build -o server ./cmd/server\nFROM debian\nCOPY --from=build /server entrypoint.sh ./\nENTRYPOINT [\"./entrypoint.sh\"]\n",
            ),
        ],
        has: &["exec ./server -config ./config/${APP_ENV:-local}.yml\""],
        lacks: &["tee"],
    },
    Shape {
        about: "examples of variables: one without a value, the mode that roles have, an address of this host",
        files: &[
            (
                "package.json",
                "{\"name\": \"a\", \"main\": \"a.js\", \"dependencies\": {\"express\": \"5\", \"mysql2\": \"3\"}}",
            ),
            ("a.js", "require('express')().listen(process.env.PORT)\nprocess.env.MYSQL_PASSWORD\n"),
            (
                ".env.example",
                "NODE_ENV=production\nHOST=localhost\nCOOKIE_SECRET=\nCOOKIE_NAME=session\nMYSQL_HOST=localhost\nMYSQL_PASSWORD=test\n",
            ),
        ],
        has: &["COOKIE_NAME = \"session\"", "MYSQL_HOST = \"{host}\"", "MYSQL_PASSWORD = \"\""],
        lacks: &["NODE_ENV = ", "COOKIE_SECRET", "localhost"],
    },
    Shape {
        about: "Spring Boot without a profile has its database in itself",
        files: &[
            ("pom.xml", POM),
            ("src/main/java/clinic/Clinic.java", SPRING_MAIN),
            ("src/main/resources/application.properties", "database=h2\n"),
            ("src/main/resources/application-postgres.properties", "spring.datasource.url=${POSTGRES_URL}\n"),
            ("docker-compose.yml", "services:\n  db:\n    image: postgres:17\n    profiles: [postgres]\n"),
        ],
        has: &["stack = \"java\""],
        lacks: &["needs.postgres"],
    },
    Shape {
        about: "one that only the tests have is none",
        files: &[("pom.xml", POM_TEST), ("src/main/java/clinic/Clinic.java", SPRING_MAIN)],
        has: &["[repository.needs.postgres]"],
        lacks: &[],
    },
    Shape {
        about: "a patch is a release of its version, of which not each has an image",
        files: &[
            ("requirements.txt", "flask\n"),
            ("app.py", "from flask import Flask\napp = Flask(__name__)\n"),
            (".python-version", "3.12.2\n"),
        ],
        has: &["version = \"3.12\""],
        lacks: &[],
    },
    Shape {
        about: "what is pinned has no wheels for the newest version",
        files: &[
            ("requirements.txt", "Flask==3.0.0\npsycopg2-binary==2.9.9\ngunicorn==20.1.0\n"),
            ("app.py", "from flask import Flask\napp = Flask(__name__)\n"),
        ],
        has: &["version = \"3.12\"", "setuptools<81"],
        lacks: &[],
    },
    Shape {
        about: "of a range a version that is still maintained",
        files: &[
            ("pyproject.toml", "[project]\nname = \"a\"\nrequires-python = \">=3.8\"\ndependencies = [\"flask\"]\n"),
            ("app.py", "from flask import Flask\napp = Flask(__name__)\n"),
        ],
        has: &["version = \"3.11\""],
        lacks: &[],
    },
    Shape {
        about: "a range in which none is maintained means what it says",
        files: &[
            (
                "pyproject.toml",
                "[project]\nname = \"a\"\nrequires-python = \">=3.8,<3.10\"\ndependencies = [\"flask\"]\n",
            ),
            ("app.py", "from flask import Flask\napp = Flask(__name__)\n"),
        ],
        has: &["version = \"3.8\""],
        lacks: &[],
    },
    Shape {
        about: "what Poetry locked is installed by pip, which mirrors answer",
        files: &[
            ("pyproject.toml", POETRY),
            ("poetry.lock", "[[package]]\nname = \"fastapi\"\nversion = \"0.110.0\"\n"),
            ("app.py", "from fastapi import FastAPI\napp = FastAPI()\n"),
        ],
        has: &["export --only main", "install --requirement /opt/requirements.txt"],
        lacks: &["poetry --directory /tmp --no-interaction install"],
    },
    Shape {
        about: "what has no hash Poetry installs itself",
        files: &[
            ("pyproject.toml", POETRY),
            (
                "poetry.lock",
                "[[package]]\nname = \"fastapi\"\nversion = \"0.110.0\"\n[package.source]\ntype = \"git\"\n",
            ),
            ("app.py", "from fastapi import FastAPI\napp = FastAPI()\n"),
        ],
        has: &["poetry --directory /tmp --no-interaction install"],
        lacks: &["export --only main"],
    },
    Shape {
        about: "a schema of prisma in another folder",
        files: &[
            (
                "package.json",
                "{\"name\": \"a\", \"main\": \"a.js\", \"dependencies\": {\"express\": \"5\", \"@prisma/client\": \"6\"}, \"prisma\": {\"schema\": \"src/prisma/schema.prisma\"}}",
            ),
            ("a.js", "require('express')().listen(3000)\n"),
            (
                "src/prisma/schema.prisma",
                "datasource db {\n  provider = \"postgresql\"\n  url      = env(\"DATABASE_URL\")\n}\n",
            ),
        ],
        has: &["DATABASE_URL = \"postgresql://app@{host}:5432/app\""],
        lacks: &[],
    },
];

#[test]
fn the_files_say_what_the_repository_means() {
    let mut wrong = Vec::new();
    for shape in SHAPES {
        let home = tempfile::tempdir().unwrap();
        for (path, text) in shape.files {
            let path = home.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let document = run(home.path(), ["init", "--dry-run", "--format", "json"]).exits(0).json();
        let files = document["files"].as_array().unwrap();
        let written: String = files
            .iter()
            .filter(|file| {
                ["dockwright.toml", "Dockerfile"].iter().any(|name| file["path"].as_str().unwrap().ends_with(name))
            })
            .map(|file| file["contents"].as_str().unwrap())
            .collect();
        wrong.extend(
            shape
                .has
                .iter()
                .filter(|text| !written.contains(**text))
                .map(|text| format!("{}: lacks {text}\n{written}", shape.about)),
        );
        wrong.extend(
            shape
                .lacks
                .iter()
                .filter(|text| written.contains(**text))
                .map(|text| format!("{}: has {text}\n{written}", shape.about)),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
