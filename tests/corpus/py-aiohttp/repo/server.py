from aiohttp import web
async def health(request): return web.Response()
app = web.Application()
app.router.add_get("/ping", health)
web.run_app(app, port=8899)
