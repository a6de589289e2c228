import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import vue from '@vitejs/plugin-vue'
import { defineConfig, type Plugin } from 'vite'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** The addresses that the service gives the pages; the development server answers them too. */
const PAGES: Record<string, string> = {
  '/j': '/join.html',
  '/room': '/room.html',
  '/studio': '/studio.html',
  '/console': '/console.html',
  '/site': '/site.html',
  '/s': '/scan.html',
}

function addresses(): Plugin {
  return {
    name: 'classroom-addresses',
    configureServer(server) {
      server.middlewares.use((request, _response, next) => {
        const [path = '', query] = (request.url ?? '').split('?')
        const page = PAGES[path]
        if (page) request.url = query ? `${page}?${query}` : page
        next()
      })
    },
  }
}

/** KiB, compressed, that a member's phone may have to load before the first picture. */
const BUDGET = 250

/** Fails the build where the member's page has grown too heavy. */
function budget(): Plugin {
  return {
    name: 'classroom-budget',
    generateBundle(_options, bundle) {
      for (const page of ['join', 'room']) {
        const entry = Object.values(bundle).find((one) => one.type === 'chunk' && one.isEntry && one.name === page)
        if (!entry) this.error(`no entry ${page}`)
        const needed = new Set<string>([entry.fileName])
        for (const name of needed) {
          const file = bundle[name]
          if (file?.type !== 'chunk') continue
          for (const more of file.imports) needed.add(more)
          for (const style of file.viteMetadata?.importedCss ?? []) needed.add(style)
        }
        let bytes = 0
        for (const name of needed) {
          const file = bundle[name]
          if (file) bytes += gzipSync(file.type === 'chunk' ? file.code : file.source).length
        }
        if (bytes === 0 || bytes > BUDGET * 1024) this.error(`${page}: ${Math.round(bytes / 1024)} KiB compressed, over ${BUDGET}`)
      }
    },
  }
}

/** Where `npm run dev` finds a running `classroom serve`. */
const service = process.env.CLASSROOM_URL ?? 'http://127.0.0.1:8080'

export default defineConfig({
  plugins: [vue(), addresses(), budget()],
  build: {
    outDir: here('../classroom/pages'),
    emptyOutDir: true,
    target: ['chrome100', 'firefox100', 'safari15.4'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // One file for what every page needs: a phone on a slow network pays for each request.
        codeSplitting: {
          groups: [
            { name: 'pages', test: /node_modules[\\/](@vue|vue)[\\/]|src[\\/](?!.*main\.ts)(words|parts|channel|rest|media|styles|pages[\\/](join|room))[\\/]/ },
          ],
        },
      },
      input: {
        index: here('index.html'),
        join: here('join.html'),
        room: here('room.html'),
        studio: here('studio.html'),
        console: here('console.html'),
        site: here('site.html'),
        scan: here('scan.html'),
      },
    },
  },
  server: {
    proxy: {
      '/api': service,
      '/whip': service,
      '/whep': service,
      '/ws': { target: service, ws: true },
    },
  },
  test: {
    include: ['tests/**/*.test.ts'],
    environment: 'node',
  },
} as Parameters<typeof defineConfig>[0])
