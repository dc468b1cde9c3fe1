/** What the handler asks of a scrape; the merging of files behind it is none of its business. */
export interface MetricsSource {
  /**
   * One exposition.
   *
   * @param request.accept the request's Accept header as it came, for the source to negotiate the format with.
   * @param request.names the names of the query `?name[]=`, if there are any: only these metrics are asked for.
   * @returns the Content-Type to answer with and the text, encoded. Two scrapes that share one collection share the
   * very same `body` object, which is what lets the handler compress it once.
   */
  metrics(request: { accept?: string; names?: readonly string[] }): Promise<{ contentType: string; body: Uint8Array }>;
}
