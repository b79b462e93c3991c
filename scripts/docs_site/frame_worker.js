// Run the worker of the search in a hidden frame: a browser starts no worker for a page that is opened from a folder.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    /** @param {string | URL} address of the script of the worker */
    constructor(address) {
      super();
      this.onmessage = null;
      this.onerror = null;
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      document.body.append(this.frame);
      const inside = this.frame.contentWindow;
      inside.postMessage = (data) => this.emit(new MessageEvent("message", {data: structuredClone(data)}));
      inside.importScripts = async (...addresses) => {
        for (const each of addresses) await load(inside, each);
      };
      inside.addEventListener("error", ({message}) => this.emit(new ErrorEvent("error", {message})));
      this.loaded = load(inside, address);
      this.loaded.catch((error) => this.emit(new ErrorEvent("error", {message: error.message})));
    }

    /** @param {unknown} data */
    postMessage(data) {
      const copy = structuredClone(data); // the caller may change it before the script is loaded
      this.loaded.then(
        () => {
          const inside = this.frame.contentWindow;
          const event = new inside.MessageEvent("message", {data: copy});
          inside.dispatchEvent(event);
        },
        () => {},
      ); // `onerror` has the reason
    }

    terminate() {
      this.frame.remove();
    }

    /** @param {MessageEvent | ErrorEvent} event */
    emit(event) {
      this.dispatchEvent(event);
      this[`on${event.type}`]?.(event);
    }
  };

  function load(inside, address) {
    return new Promise((resolve, reject) => {
      const script = inside.document.createElement("script");
      script.src = new URL(address, location.href).href;
      script.onload = () => resolve();
      script.onerror = () => reject(new Error(`${script.src} could not be loaded`));
      inside.document.body.append(script);
    });
  }
}
