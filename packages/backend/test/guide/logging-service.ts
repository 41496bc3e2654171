import { getLogger } from '@aico/shared/core/logging';

export class LoggingService {
  readonly logger = getLogger('service', 'component');

  processRequest(requestId: string): void {
    this.logger.info('Processing request', { requestId, eventType: 'request_processing' });
  }
}
