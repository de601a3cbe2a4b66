/// The look of a page: one column of text, thin rules, no boxes. A table that is wider than the column reaches into the margin
/// right of it; one that is wider still is scrolled for itself, with a shadow where it goes on.
enum PageStyle {
  /// The pixels of a column of text on a telephone that is held upright.
  static let narrowWidth = 350.0

  static let rules = """
    html{background:var(--paper);color:var(--ink);-webkit-text-size-adjust:100%}
    body{margin:0;padding:3.5rem 1.5rem 5rem;\
    font:1.05rem/1.55 "Iowan Old Style","Palatino Linotype",\
    Palatino,"URW Palladio L",P052,Georgia,serif}
    main{max-width:42.5rem;margin:0 auto}
    h1{font-size:2rem;line-height:1.2;font-weight:500;margin:0 0 .5rem;letter-spacing:-.01em}
    h2{font-size:1.3rem;line-height:1.3;font-weight:500;margin:3rem 0 .75rem}
    p{margin:.75rem 0}.summary{font-size:1.15rem;color:var(--soft);margin:0 0 1.5rem}
    figure{margin:1.75rem 0}figure svg{display:block;max-width:100%;height:auto}
    figure img{display:block;max-width:100%;height:auto;image-rendering:auto}
    figcaption,caption{font-size:.9rem;color:var(--soft);text-align:left;margin-top:.5rem}
    dl,table,pre{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",\
    sans-serif;font-size:.86rem;font-variant-numeric:tabular-nums}
    dl{display:grid;grid-template-columns:max-content 1fr;gap:.3rem 1.5rem;margin:1rem 0}
    dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
    .wide{overflow-x:auto;margin:1.5rem 0;width:max-content;\
    max-width:calc((100vw + min(42.5rem,100vw - 3rem))/2 - 1.5rem);\
    background:linear-gradient(to left,var(--paper) 1rem,transparent) right/2.5rem 100% no-repeat \
    local,linear-gradient(to left,var(--soft),transparent) right/.5rem 100% no-repeat}
    table{border-collapse:collapse;line-height:1.4}
    caption{caption-side:top;padding-bottom:.5rem;margin:0}
    th{font-weight:500;color:var(--soft);text-align:left;vertical-align:bottom}
    th,td{padding:.28rem 1.4rem .28rem 0;white-space:nowrap}th{white-space:normal}
    th:last-child,td:last-child{padding-right:0}
    thead th{border-bottom:1px solid var(--soft)}tbody tr+tr td{border-top:1px solid var(--rule)}
    tfoot td{border-top:1px solid var(--soft);font-weight:600}
    .number{text-align:right}
    th button{all:unset;cursor:pointer}th button:hover{color:var(--ink)}
    th button:focus-visible{outline:2px solid var(--soft);outline-offset:2px}
    th[aria-sort]{color:var(--ink)}th[aria-sort] button::after{content:" \\2191"}
    th[aria-sort=descending] button::after{content:" \\2193"}
    .gallery{margin:1.5rem 0}.choice{display:flex;flex-wrap:wrap;gap:.4rem 1.5rem;\
    font:.86rem/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif}
    .property,.known{display:none}.choice select{font:inherit;color:inherit;max-width:12rem;\
    background:var(--paper);border:1px solid var(--soft);border-radius:3px;padding:.1rem .3rem}
    .choice output{color:var(--soft)}
    .pictures{display:grid;grid-template-columns:repeat(auto-fill,minmax(8rem,1fr));\
    gap:1.25rem 1rem;margin-top:1rem}.pictures figure{margin:0}
    .pictures figcaption{font:.78rem/1.4 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",\
    "DejaVu Sans",sans-serif;margin-top:.3rem;overflow-wrap:anywhere}
    .pictures img{width:8rem;height:8rem;object-fit:contain;object-position:left bottom}
    .pictures img.pixels{image-rendering:pixelated}[hidden]{display:none!important}
    pre{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;\
    font-size:.8rem;line-height:1.5;overflow-x:auto;padding:.75rem 0 .75rem 1rem;\
    border-left:2px solid var(--rule)}
    .narrow{display:none}.narrow svg{width:100%}
    @media screen and (max-width:34rem){body{padding:2rem 1.15rem 3rem}h1{font-size:1.6rem}\
    .wide{max-width:100%}\
    th,td{padding-right:.8rem}.broad{display:none}.narrow{display:block}\
    dl{grid-template-columns:1fr;gap:.1rem}dd{margin-bottom:.5rem}}
    @media print{body{padding:0;font-size:10pt}h2{break-after:avoid}figure,tr{break-inside:avoid}\
    .wide{max-width:100%;background:none}}

    """
}
