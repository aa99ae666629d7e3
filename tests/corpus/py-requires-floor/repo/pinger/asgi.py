from starlette.applications import Starlette
app = Starlette(routes=[Route("/healthz", ok)])
