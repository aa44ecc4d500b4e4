/** Where load comes from and goes to: a generator with the programs, an origin with the servers. */
import { Namespaces } from '../../world/namespaces.ts';
import { startIperfServer } from '../load/iperf.ts';
import { Generator, startOrigin } from '../load/process.ts';
import type { Ends } from '../measure/compare.ts';
import { iperfPort, layGround } from './ground.ts';

export interface TransparentEnds extends Ends {
  net: Namespaces;
}

export async function openEnds(): Promise<TransparentEnds> {
  const unavailable = Namespaces.unavailable;
  if (unavailable !== undefined) throw new Error(`transparent: ${unavailable}`);
  const net = await layGround();
  try {
    const origin = await startOrigin('0.0.0.0', net.prefix('private'));
    const generator = await Generator.start(net.prefix('client'));
    const iperf = await startIperfServer('0.0.0.0', iperfPort, net.prefix('private'));
    return {
      ...{ net, origin, generator },
      async close() {
        iperf.kill();
        net.close();
      },
    };
  } catch (error) {
    net.close();
    throw error;
  }
}
