// Clerk's own SDK, asked line by line: a JSON object in, one out. Started by `beside_clerk.rs` in a folder where
// the SDK is installed.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const require = createRequire(pathToFileURL(process.cwd() + '/').href);
const { createClerkClient, verifyToken } = require('@clerk/backend');
const { version } = require('@clerk/backend/package.json');

let setup, client, requests;

const request = token => new Request('https://api.foo.com/', { headers: { authorization: `Bearer ${token}` } });

// The person, or null; whoever is pending counts as signed out, as `toAuth` has it.
async function authenticate(request, acceptsToken, options) {
  const { jwtKey, audience, authorizedParties } = { ...setup, ...options };
  const state = await client.authenticateRequest(request, { acceptsToken, jwtKey, audience, authorizedParties });
  const auth = state.toAuth();
  return auth?.isAuthenticated ? (auth.subject ?? auth.userId) : null;
}

const commands = {
  setup(input) {
    setup = input;
    client = createClerkClient(input);
    requests = (input.tokens ?? []).map(request);
    return { version };
  },
  async judge({ token, acceptsToken, options }) {
    try {
      return { subject: await authenticate(request(token), acceptsToken, options) };
    } catch (error) {
      return { threw: String(error) };
    }
  },
  async round({ what }) {
    const { jwtKey, authorizedParties } = setup;
    const verify = {
      verifyToken: at => verifyToken(setup.tokens[at], { jwtKey, authorizedParties }).then(claims => claims.sub),
      authenticateRequest: at => authenticate(requests[at], 'session_token'),
    }[what];
    const cpu = process.cpuUsage();
    const start = process.hrtime.bigint();
    let wrong = 0;
    for (let at = 0; at < setup.tokens.length; at++) {
      if ((await verify(at)) !== setup.subjects[at]) wrong++;
    }
    const wall = Number(process.hrtime.bigint() - start);
    const { user, system } = process.cpuUsage(cpu);
    return { wrong, wallNanos: wall, cpuNanos: (user + system) * 1000 };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const input = JSON.parse(line);
  console.log(JSON.stringify(await commands[input.command](input)));
}
