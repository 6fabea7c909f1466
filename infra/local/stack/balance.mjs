import { startBalancer } from './balancer.mjs';

// A program of the stack: spreads device connections over several processes of the link.
const { BALANCER_PORT, BALANCER_HOST = '127.0.0.1', BALANCER_TARGETS = '[]' } = process.env;
const { port } = await startBalancer({
  port: Number(BALANCER_PORT),
  host: BALANCER_HOST,
  targets: JSON.parse(BALANCER_TARGETS),
});
console.log(`The balancer listens on port ${port}.`);
