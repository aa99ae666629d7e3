export default defineConfig({ server: { port: 5173 } })
