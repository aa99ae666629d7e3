Deno.serve({ port: 8787 }, () => new Response("hi"));
