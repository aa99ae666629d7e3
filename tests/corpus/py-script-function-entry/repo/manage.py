from cli import main
