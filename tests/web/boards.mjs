// Serves the boards of tests/gateway/web/boards.rs: the test binary does it when asked.

import { spawn } from 'node:child_process';

export async function serveBoards(binary) {
  const words = ['serves_its_boards', '--nocapture', '--test-threads=1'];
  const server = spawn(binary, words, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, STEELYARD_SERVE_FIXTURES: '1' } });
  const gone = new Promise((done) => server.once('exit', done));
  let text = '';
  const urls = await new Promise((yes, no) => {
    server.stdout.on('data', (piece) => {
      text += piece;
      const line = text.split('\n').find((line) => line.startsWith('{') && line.endsWith('}'));
      if (line) yes(JSON.parse(line));
    });
    gone.then(() => no(new Error(`the boards could not be served:\n${text}`)));
  });
  return {
    urls,
    stop: () => server.kill('SIGSTOP'), // the daemon hangs: nothing is renewed, nothing is closed
    go: () => server.kill('SIGCONT'),
    close: () => { server.kill('SIGCONT'); server.stdin.end('end\n'); return gone; },
  };
}
