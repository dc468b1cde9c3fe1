/** @type {import('next').NextConfig} */
export default {
  output: 'standalone',
  outputFileTracingRoot: import.meta.dirname,
  // Node.js loads the package from node_modules, once for all module graphs
  serverExternalPackages: ['prom-multiproc'],
};
