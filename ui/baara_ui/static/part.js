// A part of a page: its HTML comes from the server, and only what differs is changed here.
export default {
  template: "<div></div>",
  props: { html: String },
  mounted() {
    this.$el.innerHTML = this.html;
    window.baara?.changed(this.$el);
  },
  updated() {
    this.show();
  },
  watch: {
    html() {
      this.show();
    },
  },
  methods: {
    show() {
      if (this.shown === this.html) return;
      this.shown = this.html;
      window.Idiomorph.morph(this.$el, this.html, {
        morphStyle: "innerHTML",
        ignoreActiveValue: true,
        callbacks: {
          // What a person has opened, chosen or typed stays as it is.
          beforeAttributeUpdated: (name, node) =>
            !(name === "open" && (node.tagName === "DETAILS" || node.tagName === "DIALOG")),
          beforeNodeMorphed: (before) => !(before.nodeType === 1 && before.hasAttribute("data-keep")),
        },
      });
      window.baara?.changed(this.$el);
    },
  },
};
