import 'reflect-metadata';
import { InjectMetric, makeCounterProvider, makeGaugeProvider, PrometheusModule } from '@willsoto/nestjs-prometheus';

export async function start(port: number): Promise<void> {
  const { Controller, Get, Module } = await import('@nestjs/common');
  const { NestFactory } = await import('@nestjs/core');

  // decorators of parameters are in no standard yet: they are applied by hand
  class HitController {
    readonly #hits: { inc(labels: object): void };
    readonly #up: { set(value: number): void };

    constructor(hits: { inc(labels: object): void }, up: { set(value: number): void }) {
      this.#hits = hits;
      this.#up = up;
    }

    hit(): string {
      this.#hits.inc({ route: '/hit' });
      this.#up.set(1);
      return 'ok';
    }
  }
  InjectMetric('nest_hits_total')(HitController, undefined as never, 0);
  InjectMetric('nest_up')(HitController, undefined as never, 1);
  Reflect.defineMetadata('design:paramtypes', [Object, Object], HitController);
  Get('hit')(HitController.prototype, 'hit', Object.getOwnPropertyDescriptor(HitController.prototype, 'hit')!);
  Controller()(HitController);

  class AppModule {
    readonly name = 'app';
  }
  Module({
    imports: [PrometheusModule.register()],
    controllers: [HitController],
    providers: [
      makeCounterProvider({ name: 'nest_hits_total', help: 'Hits.', labelNames: ['route'] }),
      makeGaugeProvider({ name: 'nest_up', help: 'Workers that are up.' }),
    ],
  })(AppModule);

  const app = await NestFactory.create(AppModule, { logger: false });
  await app.listen(port, '127.0.0.1');
}
