import { GATEWAYS, type GatewayName } from '../core/contract.js';
import { readChoice } from './choice.js';

/** @throws UsageError for a name that is no gateway's */
export const gatewayNamed = (given: string): GatewayName => readChoice('gateway', given, GATEWAYS);

/** All of them where none is named. @throws UsageError for a name that is no gateway's */
export const gatewaysNamed = (given: string | undefined): readonly GatewayName[] =>
  given === undefined ? GATEWAYS : [gatewayNamed(given)];
