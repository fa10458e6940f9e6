// A part of a page: its HTML comes from the server, and only what differs is changed here.
const isTypedIn = (element) => element === document.activeElement && /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName);

export default {
  template: "<div></div>",
  props: { html: String },
  mounted() {
    this.$el.innerHTML = this.shown = this.html;
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
        callbacks: {
          // What a person has opened, chosen or typed stays as it is.
          beforeAttributeUpdated: (name, node) =>
            !(name === "open" && (node.tagName === "DETAILS" || node.tagName === "DIALOG")),
          beforeNodeMorphed: (before) => !(before.nodeType === 1 && (before.hasAttribute("data-keep") || isTypedIn(before))),
        },
      });
      window.baara?.changed(this.$el);
    },
  },
};
