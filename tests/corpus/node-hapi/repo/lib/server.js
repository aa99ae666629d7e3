const server = Hapi.server({ port: 8701, host: '0.0.0.0' });
