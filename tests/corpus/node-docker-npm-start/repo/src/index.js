fastify.listen({ port: 8077, host: '0.0.0.0' });
