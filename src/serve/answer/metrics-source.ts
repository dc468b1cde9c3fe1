/** The interface between the handler and the collector. */
export interface MetricsSource {
  /**
   * One exposition.
   *
   * @param request.accept the request's Accept header, by which the source chooses the format
   * @param request.names the names of the query `?name[]=` if it has any: the client wants only these metrics
   * @returns the Content-Type and the encoded text. Scrapes that share one collection get the same `body` object, so that
   * the handler compresses it once.
   */
  metrics(request: { accept?: string; names?: readonly string[] }): Promise<{ contentType: string; body: Uint8Array }>;
}
