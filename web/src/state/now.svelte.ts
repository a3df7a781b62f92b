// The time, for sentences like "done at about 21:40": it moves every ten seconds.

class Now {
  at = $state(Date.now());

  start(): () => void {
    const timer = setInterval(() => {
      this.at = Date.now();
    }, 10_000);
    return () => clearInterval(timer);
  }
}

export const now = new Now();
