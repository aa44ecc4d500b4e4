/**
 * Questions about a name that is nobody's Resource, of which a resolver between two others might make something
 * else; and a program that asks a server all of them.
 */

const header = (flags: string, questions: number, authority = 0, additional = 0): string =>
  [
    '0001',
    flags,
    ...[questions, 0, authority, additional].map((count) => count.toString(16).padStart(4, '0')),
  ].join('');
/** plAIn-x.example */
const name = '07706c41496e2d78076578616d706c6500';
/** An OPT record: payload, extended flags, data. */
const option = (payload: string, flags: string, data = ''): string =>
  `000029${payload}${flags}${(data.length / 2).toString(16).padStart(4, '0')}${data}`;

const parts: Record<string, string[]> = {
  'upper and lower case': [header('0100', 1), name, '00010001'],
  'every flag': [header('07f0', 1), name, '00010001'],
  'an option that nobody knows': [
    ...[header('0100', 1, 0, 1), name, '00100001'],
    option('1000', '00008000', 'fde900050102030405'),
  ],
  'a later EDNS': [header('0100', 1, 0, 1), name, '00010001', option('1000', '00ff0000')],
  'two OPT records': [header('0100', 1, 0, 2), name, '00010001', option('1000', '00000000').repeat(2)],
  'another class': [header('0100', 1), name, '00100003'],
  NOTIFY: [header('2000', 1), name, '00060001'],
  'UPDATE that deletes': [header('2800', 1, 1), name, '00060001', name, '000f00ff000000000000'],
  'something behind its end': [header('0100', 1), name, '00010001', 'ffff'],
};
const texts = Object.entries(parts).map(([what, some]) => [what, some.join('')] as const);

export const oddQuestions: Readonly<Record<string, Buffer>> = Object.fromEntries(
  texts.map(([what, text]) => [what, Buffer.from(text, 'hex')]),
);

/** A program for `node -e`: asks one after the other and prints what each is answered, as hex. */
export const askOddly = (server: string, over: 'udp' | 'tcp'): string => `
  const { isIPv6, connect } = require('node:net');
  const byUdp = (bytes, done) => {
    const socket = require('node:dgram').createSocket(isIPv6('${server}') ? 'udp6' : 'udp4');
    socket.on('message', (answer) => { socket.close(); done(answer.toString('hex')); });
    socket.send(bytes, 53, '${server}');
  };
  const byTcp = (bytes, done) => {
    const socket = connect(53, '${server}');
    let got = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      got = Buffer.concat([got, chunk]);
      if (got.length < 2 || got.length < 2 + got.readUInt16BE(0)) return;
      socket.destroy();
      done(got.subarray(2).toString('hex'));
    });
    socket.on('close', () => done('closed'));
    socket.write(Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length), bytes]));
  };
  const ask = (text) => new Promise((done) => {
    setTimeout(done, 3_000, 'nothing').unref();
    ${over === 'udp' ? 'byUdp' : 'byTcp'}(Buffer.from(text, 'hex'), done);
  });
  (async () => {
    const answers = {};
    for (const [what, text] of ${JSON.stringify(texts)}) answers[what] = await ask(text);
    console.log(JSON.stringify(answers));
  })();`;
