import Koa from "koa";
const PORT = 3005;
new Koa().listen(PORT);
