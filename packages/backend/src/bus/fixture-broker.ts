import assert from 'node:assert/strict';
import { MessageBusClient } from '@aico/shared/core/bus';
import {
  type BusCredential,
  type CurveKeyPair,
  curveKeyPair,
  ZeroMqTransport,
} from '@aico/shared/core/bus/zeromq';
import { Broker } from './broker.ts';
import type { BrokerEvent, BrokerOptions, ComponentGrant } from './broker-options.ts';
import { type JoinChanges, RawPeer } from './fixture-raw-peer.ts';

/** What a component of a test may do. */
export interface TestComponent {
  readonly publish?: readonly string[];
  readonly subscribe?: readonly string[];
}

/** A broker on a free port, with components whose keys the test holds. */
export class TestBroker {
  readonly keys: CurveKeyPair;
  readonly broker: Broker;
  readonly events: BrokerEvent[] = [];
  /** Told of each event. */
  onEvent: (event: BrokerEvent) => void = () => {};
  readonly grants = new Map<string, ComponentGrant>();
  readonly secrets = new Map<string, CurveKeyPair>();
  readonly #clients: MessageBusClient[] = [];
  readonly #peers: RawPeer[] = [];

  private constructor(options: Partial<BrokerOptions>) {
    this.keys = options.keys ?? curveKeyPair();
    this.broker = new Broker({
      endpoints: ['tcp://127.0.0.1:*'],
      ...options,
      keys: this.keys,
      grants: () => this.grants.values(),
      onEvent: (event) => {
        this.events.push(event);
        this.onEvent(event);
      },
    });
  }

  static async start(
    components: Readonly<Record<string, TestComponent>>,
    options: Partial<BrokerOptions> = {},
  ): Promise<TestBroker> {
    const broker = new TestBroker(options);
    for (const [name, rights] of Object.entries(components)) broker.grant(name, rights);
    await broker.broker.start();
    return broker;
  }

  /** Grants anew, with a fresh key. */
  grant(component: string, { publish = [], subscribe = [] }: TestComponent): void {
    const pair = curveKeyPair();
    this.secrets.set(component, pair);
    this.grants.set(component, { component, publicKey: pair.publicKey, publish, subscribe });
    this.broker.reload();
  }

  revoke(component: string): void {
    this.grants.delete(component);
    this.broker.reload();
  }

  get endpoint(): string {
    const [endpoint] = this.broker.endpoints;
    assert.ok(endpoint !== undefined);
    return endpoint;
  }

  credential(component: string, changes: Partial<BusCredential> = {}): BusCredential {
    const pair = this.secrets.get(component);
    assert.ok(pair !== undefined);
    return {
      format: 'aico-bus-credential',
      version: 1,
      component,
      endpoints: [this.endpoint],
      broker: this.keys.publicKey,
      public_key: pair.publicKey,
      secret_key: pair.secretKey,
      publish: [],
      subscribe: [],
      ...changes,
    };
  }

  /** A client that is connected; closed with the broker. */
  async client(component: string, changes: Partial<BusCredential> = {}, timeoutMs = 5_000) {
    const transport = new ZeroMqTransport({ credential: this.credential(component, changes), timeoutMs });
    const client = new MessageBusClient({ source: component, transport, onError: () => {} });
    this.#clients.push(client);
    await client.connect();
    return client;
  }

  /** A peer that is let in as `component` and then sends whatever the test likes; closed with the broker. */
  async member(component: string, changes: JoinChanges = {}): Promise<RawPeer> {
    const keys = this.secrets.get(component);
    assert.ok(keys !== undefined);
    const peer = new RawPeer({ endpoint: this.endpoint, serverKey: this.keys.publicKey, keys });
    this.#peers.push(peer);
    assert.equal(await peer.join(component, keys.secretKey, this.keys.publicKey, changes), 'welcome');
    return peer;
  }

  async stop(): Promise<void> {
    for (const peer of this.#peers) peer.close();

    await Promise.all(this.#clients.map((client) => client.close()));
    await this.broker.stop();
  }
}
