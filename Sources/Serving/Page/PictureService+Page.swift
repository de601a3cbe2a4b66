extension PictureService {
  /// The page for people: one file, which asks nobody else.
  static let page = ServiceResponse(
    200, PackageResources.index_html, type: "text/html; charset=utf-8",
    headers: [
      (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src blob: data:; media-src blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
      ), ("Referrer-Policy", "no-referrer"), ("Cache-Control", "no-cache"),
    ])
}
